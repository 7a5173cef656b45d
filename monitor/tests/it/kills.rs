//! Kills at any moment: whatever was acknowledged is in the log, once.

use std::collections::HashSet;
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::home::{Fixture, label, lines};
use crate::server::{Server, agent};

/// Kills of each of the two programs; the benchmark asks for a thousand.
const ROUNDS: u64 = 20;
const CLIENTS: u64 = 3;
const BATCH: u64 = 20;

/// What the clients of one server share.
struct Traffic<'a> {
    fixture: &'a Fixture,
    address: &'a str,
    ended: &'a AtomicBool,
    acknowledged: &'a Mutex<HashSet<String>>,
}

#[test]
fn an_acknowledged_record_survives_any_kill() {
    let rounds = std::env::var("KILL_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let fixture = Fixture::with_production();
    let acknowledged = Mutex::new(HashSet::new());
    let mut chance = Chance::new();
    for round in 0..rounds {
        let mut server = Server::start(&fixture, &[]);
        let ended = AtomicBool::new(false);
        let traffic = Traffic { fixture: &fixture, address: &server.address, ended: &ended, acknowledged: &acknowledged };
        std::thread::scope(|scope| {
            (0..CLIENTS).for_each(|client| {
                drop(scope.spawn({
                    let traffic = &traffic;
                    move || traffic.send(round, client)
                }))
            });
            std::thread::sleep(Duration::from_millis(chance.below(40)));
            let mut ingest = fixture.command(&["ingest"]).stdout(std::process::Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(chance.below(150)));
            // Either may go first.
            let mut victims: [&mut Child; 2] = [&mut server.child, &mut ingest];
            victims.rotate_left(usize::from(chance.below(2) == 1));
            for child in victims {
                child.kill().unwrap();
                child.wait().unwrap();
                std::thread::sleep(Duration::from_millis(chance.below(10)));
            }
            ended.store(true, Ordering::Relaxed);
        });
    }
    fixture.monitor(&["ingest"]).assert().success();
    check(&fixture, &acknowledged.into_inner().unwrap(), rounds);
}

/// Every acknowledged id is in both logs, and none twice.
#[track_caller]
fn check(fixture: &Fixture, acknowledged: &HashSet<String>, rounds: u64) {
    let ids = |log: &str| {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let sql = format!("SELECT prediction_id FROM read_parquet('{log}/**/*.parquet', union_by_name = true)");
        let mut statement = connection.prepare(&sql).unwrap();
        let found: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        found
    };
    for log in [fixture.home.predictions(), fixture.home.labels()] {
        let found = ids(&log.display().to_string());
        let distinct: HashSet<&String> = found.iter().collect();
        assert_eq!(found.len(), distinct.len(), "records are there twice in {}", log.display());
        let n_lost = acknowledged.iter().filter(|id| !distinct.contains(id)).count();
        assert_eq!(n_lost, 0, "of {} acknowledged records, in {}", acknowledged.len(), log.display());
    }
    eprintln!("{rounds} rounds: {} records acknowledged, all of them in the log once", acknowledged.len());
    assert!(acknowledged.len() as u64 > rounds * BATCH, "only {} records were acknowledged", acknowledged.len());
}

impl Traffic<'_> {
    /// Posts predictions and their labels until the server is gone. Each batch is sent twice, as a client does that heard no answer.
    fn send(&self, round: u64, client: u64) {
        let agent = agent();
        let running = || !self.ended.load(Ordering::Relaxed);
        for number in (0u64..).take_while(|_| running()) {
            let ids: Vec<String> = (0..BATCH).map(|row| format!("{round}-{client}-{number}-{row}")).collect();
            let day = |row: usize| format!("2009-03-{:02}", 1 + row % 3);
            let records: Vec<_> = ids.iter().enumerate().map(|(row, id)| self.fixture.prediction(id, &day(row), 0.3)).collect();
            let known: Vec<_> = ids.iter().map(|id| label(id, "stays", "2009-04-01")).collect();
            let post = |path: &str, body: String| {
                let answer = agent.post(format!("{}{path}", self.address)).send(body.as_bytes());
                answer.is_ok_and(|answer| answer.status() == 200)
            };
            let taken = |_| post("/v1/labels", lines(&known)) && post("/v1/predictions", lines(&records));
            if (0..2).map(taken).fold(false, |any, one| any | one) {
                self.acknowledged.lock().unwrap().extend(ids);
            }
        }
    }
}

/// Numbers by chance; the seed is printed, so that a failure can be looked into.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
        eprintln!("seed {seed}");
        Self(seed)
    }

    /// A number from 0 to a limit, by xorshift.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
