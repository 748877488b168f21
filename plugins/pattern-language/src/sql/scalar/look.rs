//! What an expression is calculated from.

use super::super::tree::{Expr, Kind};

/// The symbol that the first column in an expression is of.
pub(super) fn symbol_of(expression: &Expr) -> Option<&str> {
    let mut found = None;
    look(expression, &mut |inner| {
        if let (Kind::Column(symbol, _), None) = (&inner.kind, found) {
            found = Some(symbol.as_deref());
        }
    });
    found.flatten()
}

/// Whether a number with a point is part of it.
pub(super) fn has_point(expression: &Expr) -> bool {
    let mut found = false;
    look(expression, &mut |inner| {
        found |= matches!(&inner.kind, Kind::Literal(text) if text.contains('.') && !text.starts_with('\''));
        found |= matches!(&inner.kind, Kind::Call(name, _) if name == "AVG");
    });
    found
}

pub(super) fn is_text(expression: &Expr) -> bool {
    matches!(&expression.kind, Kind::Literal(text) if text.starts_with('\''))
}

/// Calls `visit` for an expression and all that it is calculated from.
fn look<'e>(expression: &'e Expr, visit: &mut impl FnMut(&'e Expr)) {
    visit(expression);
    match &expression.kind {
        Kind::Negate(operand)
        | Kind::Not(operand)
        | Kind::IsNull(operand)
        | Kind::Like(operand, _)
        | Kind::Cast(operand, _) => {
            look(operand, visit);
        }
        Kind::Binary(_, operands) => operands.iter().for_each(|operand| look(operand, visit)),
        Kind::Between(operands) => operands.iter().for_each(|operand| look(operand, visit)),
        Kind::In(operand, items) => {
            look(operand, visit);
            items.iter().for_each(|item| look(item, visit));
        }
        Kind::Case(cases, otherwise) => {
            for (condition, value) in cases {
                look(condition, visit);
                look(value, visit);
            }
            otherwise
                .iter()
                .for_each(|otherwise| look(otherwise, visit));
        }
        Kind::Call(_, operands) => operands.iter().for_each(|operand| look(operand, visit)),
        Kind::Column(..) | Kind::Rows(_) | Kind::Literal(_) | Kind::Null => {}
    }
}
