//! Samples and outliers: what holds of all numbers.

use proptest::prelude::*;
use query_journeys::statistics::{Quartiles, systematic_sample};

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(any::<f64>(), 0..60)
}

fn methods() -> impl Strategy<Value = Quartiles> {
    prop_oneof![Just(Quartiles::NearestRank), Just(Quartiles::Linear)]
}

#[test]
fn the_documents_quartiles_are_values_in_their_places() {
    let cases: [(&[f64], f64, f64); 5] = [
        (&[7.0], 7.0, 7.0),
        (&[1.0, 2.0], 1.0, 2.0),
        (&[1.0, 2.0, 3.0], 1.0, 3.0),
        (&[4.0, 3.0, 2.0, 1.0], 2.0, 4.0),
        (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 3.0, 7.0),
    ];
    for (values, first, third) in cases {
        let fences = Quartiles::NearestRank
            .fences(values.iter().copied())
            .unwrap();
        assert_eq!(
            (fences.first_quartile, fences.third_quartile),
            (first, third),
            "{values:?}"
        );
    }
}

/// As `numpy.percentile(values, [25, 75])` gives them.
#[test]
fn linear_quartiles_lie_between_values() {
    let cases: [(&[f64], f64, f64); 4] = [
        (&[7.0], 7.0, 7.0),
        (&[1.0, 2.0], 1.25, 1.75),
        (&[1.0, 2.0, 3.0, 4.0], 1.75, 3.25),
        (&[1.0, 2.0, 3.0, 4.0, 5.0], 2.0, 4.0),
    ];
    for (values, first, third) in cases {
        let fences = Quartiles::Linear.fences(values.iter().copied()).unwrap();
        assert_eq!(
            (fences.first_quartile, fences.third_quartile),
            (first, third),
            "{values:?}"
        );
    }
}

#[test]
fn an_outlier_lies_more_than_one_and_a_half_distances_out() {
    let fences = Quartiles::NearestRank
        .fences([0.0, 10.0, 10.0, 20.0, 20.0])
        .unwrap();
    assert_eq!((fences.lower, fences.upper), (-5.0, 35.0));
    assert!(fences.hold(35.0) && fences.hold(-5.0));
    assert!(!fences.hold(35.000_001) && !fences.hold(-5.000_001));
}

#[test]
fn where_there_is_no_number_there_are_no_fences() {
    for values in [
        vec![],
        vec![f64::NAN],
        vec![f64::INFINITY, f64::NEG_INFINITY],
    ] {
        assert_eq!(Quartiles::NearestRank.fences(values.clone()), None);
        assert_eq!(Quartiles::Linear.fences(values), None);
    }
}

proptest! {
    #[test]
    fn a_sample_is_as_large_as_it_may_be(count in 0_usize..100_000, most in 1_usize..20_000) {
        prop_assert_eq!(systematic_sample(count, most).count(), count.min(most));
    }

    #[test]
    fn a_sample_has_places_at_equal_distances(count in 1_usize..100_000, most in 1_usize..20_000) {
        let places: Vec<usize> = systematic_sample(count, most).collect();
        prop_assert_eq!(places[0], 0);
        let apart = count / count.min(most);
        for pair in places.windows(2) {
            prop_assert!((apart..=apart + 1).contains(&(pair[1] - pair[0])));
        }
        // What is behind the last place is no more than lies between two.
        prop_assert!(count - places[places.len() - 1] <= apart + 1);
    }

    #[test]
    fn a_sample_of_a_large_number_does_not_overflow(count in usize::MAX - 1000..=usize::MAX) {
        let last = systematic_sample(count, 7).last().unwrap();
        prop_assert!(last < count && last > count / 7 * 5);
    }

    #[test]
    fn the_quartiles_are_within_their_fences(values in values(), method in methods()) {
        if let Some(fences) = method.fences(values) {
            prop_assert!(fences.first_quartile <= fences.third_quartile);
            prop_assert!(fences.hold(fences.first_quartile) && fences.hold(fences.third_quartile));
        }
    }

    #[test]
    fn at_least_half_of_the_values_are_kept(values in prop::collection::vec(-1e300..1e300, 1..60), method in methods()) {
        let fences = method.fences(values.iter().copied()).unwrap();
        let kept = values.iter().filter(|value| fences.hold(**value)).count();
        prop_assert!(kept * 2 >= values.len());
    }

    #[test]
    fn the_order_of_values_does_not_matter(values in values(), method in methods()) {
        let mut reversed = values.clone();
        reversed.reverse();
        prop_assert_eq!(method.fences(values), method.fences(reversed));
    }

    #[test]
    fn what_is_not_finite_changes_nothing(values in values(), method in methods()) {
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let mut more = values;
        more.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        prop_assert_eq!(method.fences(finite), method.fences(more));
    }
}
