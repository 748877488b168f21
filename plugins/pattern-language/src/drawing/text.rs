//! Text in drawings.

/// With what means something in XML written out; what it cannot hold is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// About how wide it is, with letters of this width.
pub(super) fn width_of(text: &str, letter: f64) -> f64 {
    text.chars().count() as f64 * letter
}

/// Lines of at most so many letters, broken at spaces where there are any.
pub(super) fn lines(text: &str, longest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ') {
        let mut letters: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + letters.len() > longest {
            lines.push(String::new());
            length = 0;
        }
        while letters.len() > longest {
            let rest = letters.split_off(longest);
            push(&mut lines, &letters);
            lines.push(String::new());
            letters = rest;
        }
        if length > 0 {
            push(&mut lines, &[' ']);
            length += 1;
        }
        push(&mut lines, &letters);
        length += letters.len();
    }
    lines
}

fn push(lines: &mut [String], letters: &[char]) {
    if let Some(line) = lines.last_mut() {
        line.extend(letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_only_then_within_words() {
        assert_eq!(lines("a bc def", 4), ["a bc", "def"]);
        assert_eq!(lines("abcdef gh", 4), ["abcd", "ef", "gh"]);
        assert_eq!(lines("", 4), [""]);
    }

    #[test]
    fn what_means_something_to_xml_is_written_out() {
        assert_eq!(
            escaped("a < b && \"c\"\n"),
            "a &lt; b &amp;&amp; &quot;c&quot; "
        );
    }
}
