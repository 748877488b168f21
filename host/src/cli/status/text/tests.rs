//! What a person reads.

use super::*;
use crate::admin::PartitionStatus;

const REASON: &str = "the nodes of `tables` do not answer";

fn status() -> Status {
    Status {
        pipeline: "data-actions".to_owned(),
        host: Some(HostStatus {
            version: "0.1.0".to_owned(),
            process: 4434,
            uptime_seconds: 200.0,
            memory_bytes: Some(32_174_080),
        }),
        tasks: vec![task()],
        reload: None,
    }
}

fn task() -> TaskStatus {
    TaskStatus {
        name: "data-actions".to_owned(),
        state: State::Waiting,
        waits: vec![WaitStatus {
            part: "sink alerts".to_owned(),
            reason: REASON.to_owned(),
            seconds: 12.7,
        }],
        attempt: Some(2),
        restarts: Some(1),
        records: 2_100_000,
        rejected: 17_604,
        late: 4,
        latest_event_time: Some(1_704_067_205_250),
        watermark_delay_seconds: Some(5.001),
        checkpoint: Some(CheckpointStatus {
            epoch: 3,
            age_seconds: 12.3,
            pause_seconds: 0.045,
            entries_written: Some(1_234),
            bytes_written: Some(12_600),
            stored_bytes: Some(12_900_000),
            ..CheckpointStatus::default()
        }),
        sources: vec![source()],
        stages: vec![
            stage("parse", None),
            stage("count", Some(1_704_067_200_249)),
        ],
        sinks: vec![SinkStatus {
            name: "alerts".to_owned(),
            records: Some(77),
            waits_for: Some(REASON.to_owned()),
            ..SinkStatus::default()
        }],
        ..TaskStatus::default()
    }
}

fn source() -> SourceStatus {
    let partition = PartitionStatus {
        name: "topic/0".to_owned(),
        position: Some(1_000),
        end: Some(1_030),
        lag: Some(30),
        ..PartitionStatus::default()
    };
    SourceStatus {
        name: "records".to_owned(),
        unit: Some(Unit::Records),
        lag: Some(30),
        partitions: vec![partition],
    }
}

fn stage(name: &str, watermark: Option<i64>) -> StageStatus {
    StageStatus {
        name: name.to_owned(),
        records_in: Some(2_100_000),
        records_out: Some(2_082_396),
        cpu_seconds: Some(1.25),
        watermark,
        watermark_delay_seconds: watermark.map(|_| 5.001),
        ..StageStatus::default()
    }
}

fn written(status: &Status) -> String {
    let mut out = Vec::new();
    write(status, &mut Page::to(&mut out, None)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_person_sees_at_a_glance_what_is_waited_for() {
    assert_eq!(
        written(&status()),
        "\
data-actions: process 4434, up 3 min 20 s, 30.7 MiB, jackfield 0.1.0
  state       waiting, attempt 2 after 1 restart
  waits       sink alerts for 12 s: the nodes of `tables` do not answer
  records     2,100,000 read, 17,604 rejected, of which 4 late
  event time  2024-01-01T00:00:05.250Z, watermark 5.0 s behind
  checkpoint  3, 12 s ago, paused for 45 ms, wrote 1,234 entries (12.3 KiB)
  stored      12.3 MiB

SOURCE   POSITION    END  LAG  PARTITION
records     1,000  1,030   30  topic/0

STAGE         IN        OUT    CPU  WATERMARK
parse  2,100,000  2,082,396  1.2 s  -
count  2,100,000  2,082,396  1.2 s  2024-01-01T00:00:00.249Z, 5.0 s behind

SINK    RECORDS  STATE
alerts       77  waits: the nodes of `tables` do not answer
"
    );
}

#[test]
fn it_can_be_read_in_80_columns() {
    let text = written(&status());
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn what_happens_in_a_second_is_shown_when_it_is_known() {
    let mut status = status();
    status.tasks[0].records_per_second = Some(499.6);
    status.tasks[0].sources[0].partitions[0].read_per_second = Some(499.6);
    let text = written(&status);
    assert!(text.contains("read (500 a second),"), "{text}");
    assert!(text.contains("LAG  A SECOND  PARTITION"), "{text}");
}

#[test]
fn nothing_that_a_host_says_moves_the_cursor() {
    let mut status = status();
    status.tasks[0].waits[0].reason = "\x1b[2J".to_owned();
    status.tasks[0].sources[0].partitions[0].name = "\x1b[2J".to_owned();
    status.tasks[0].state = State::Running;
    assert!(!written(&status).contains('\x1b'));
}

#[test]
fn several_tasks_are_told_apart() {
    let mut status = status();
    let mut other = status.tasks[0].clone();
    other.name = "data-actions.1".to_owned();
    status.tasks.push(other);
    assert!(written(&status).contains("\nTask data-actions.1\n"));
}
