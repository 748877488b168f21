//! Lines as the messages of a topic: a customer's records are in one partition, in their order, so that nothing that is
//! said of a customer depends on which partition is read faster.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;

use crate::services::Message;

#[derive(Deserialize)]
struct Customer<'a> {
    #[serde(rename = "customerId", borrow)]
    id: Cow<'a, str>,
}

/// A message a line, without its end; none for empty lines. Lines that tell no customer are dealt out in turn.
pub fn messages(lines: &[u8], partitions: u32) -> impl Iterator<Item = Message> {
    lines
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .zip(0_u64..)
        .map(
            move |(line, index)| match serde_json::from_slice::<Customer>(line) {
                Ok(customer) => Message::new(line)
                    .to_partition(partition(&customer.id, partitions))
                    .with_key(customer.id.as_bytes()),
                Err(_) => Message::new(line).to_partition((index % u64::from(partitions)) as u32),
            },
        )
}

fn partition(customer: &str, partitions: u32) -> u32 {
    let mut hasher = DefaultHasher::new();
    customer.hash(&mut hasher);
    (hasher.finish() % u64::from(partitions)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_stays_in_one_partition() {
        let lines = b"{\"customerId\":\"a\",\"n\":1}\n\nnoise\n{\"customerId\":\"a\",\"n\":2}\r\n";
        let messages: Vec<Message> = messages(lines, 4).collect();
        let texts: Vec<String> = messages.iter().map(Message::text).collect();
        assert_eq!(
            texts,
            [
                "{\"customerId\":\"a\",\"n\":1}",
                "noise",
                "{\"customerId\":\"a\",\"n\":2}"
            ]
        );
        assert_eq!(messages[0].partition, messages[2].partition);
        assert_eq!(messages[0].key.as_deref(), Some(&b"a"[..]));
        assert_eq!((messages[1].partition, &messages[1].key), (1, &None));
    }
}
