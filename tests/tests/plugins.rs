//! The plugins without a host: what they make of an input is what the model says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::model::{Enriched, Interaction, Model};
use jackfield_tests::native::{NativePipeline, StageOutput};
use serde_json::Value;

#[derive(Default)]
struct Collected {
    volumes: BTreeMap<(String, i64), i64>,
    alerts: BTreeSet<(String, String, i64)>,
    enriched: Vec<Enriched>,
    rejections: BTreeMap<(String, String), u64>,
}

impl Collected {
    fn add(&mut self, StageOutput { stage, output, .. }: StageOutput<'_>) {
        for refused in &output.rejections {
            let code = refused.rejection.code().to_owned();
            *self.rejections.entry((stage.to_owned(), code)).or_default() += 1;
        }
        if stage == "parse" {
            return;
        }
        for value in output
            .emissions
            .iter()
            .flat_map(|emission| emission.records.values.iter())
        {
            self.add_record(stage, &serde_json::from_slice(value).unwrap());
        }
    }

    fn add_record(&mut self, stage: &str, record: &Value) {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        let number = |name: &str| record[name].as_i64().unwrap();
        match stage {
            "count" => {
                let known = self
                    .volumes
                    .insert((text("channel"), number("window_end")), number("volume"));
                assert_eq!(known, None, "{record} comes twice");
            }
            "detect" => {
                _ = self
                    .alerts
                    .insert((text("customer_id"), text("channel"), number("timestamp")))
            }
            _ => self.enriched.push(Enriched {
                interaction: Interaction {
                    interaction_id: text("interactionId"),
                    customer_id: text("customerId"),
                    channel: text("channel"),
                    status: text("status"),
                    timestamp: number("timestamp"),
                },
                tier: text("tier"),
                region: text("region"),
            }),
        }
    }
}

#[test]
fn what_they_put_out_together_is_what_the_model_says() {
    for seed in [21, 22] {
        let lines = Generator::new(seed, Traffic::Hostile).lines(100_000);
        let mut collected = Collected::default();
        NativePipeline::new()
            .unwrap()
            .run(&mut lines.as_slice(), |output| collected.add(output))
            .unwrap();
        let expected = Model::of(&lines);
        let alerts = expected.alerts.iter().map(|alert| {
            (
                alert.customer_id.clone(),
                alert.channel.clone(),
                alert.timestamp,
            )
        });
        let rejections = expected
            .rejections()
            .into_iter()
            .map(|((stage, code), count)| ((stage.into(), code.into()), count));
        assert_eq!(collected.rejections, rejections.collect());
        assert_eq!(collected.volumes, expected.volumes);
        assert_eq!(collected.alerts, alerts.collect());
        assert!(
            collected.enriched == expected.enriched,
            "enriched interactions differ"
        );
    }
}
