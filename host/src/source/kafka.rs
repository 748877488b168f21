//! Topics of Kafka. Each partition is read on its own, by its offsets.

use super::{Opening, Partition, SourceError};
use crate::config::KafkaSource;

pub(super) fn open(
    _options: &KafkaSource,
    _only: Option<i32>,
    _opening: Opening<'_>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    Ok(Vec::new())
}
