//! Posts made-up predictions to `monitor serve` over several connections, and tells how many it acknowledged a second,
//! what processor time each took, and whether all of them are in the log afterwards.
//!
//! `collector_load MONITOR [SECONDS] [CONNECTIONS] [BATCH] [CONTRACT.json]`; the folder of `TMPDIR` must lie on a real disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may stop at the first surprise, and prints")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_contract::{ColumnKind, Contract, Home};
use inference_predictor::Predictor;
use serde_json::{Map, Value as Json, json};

/// A model of seven columns; its contract is taken where none is named.
const MODEL: &[u8] = include_bytes!("../../inference-wasm/predictor/tests/golden/gradient-boosting/model.onnx");
/// Different records; ids are always new.
const N_RECORDS: usize = 997;
/// Ticks of `/proc/<pid>/stat` a second, on every Linux.
const TICKS: f64 = 100.0;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| args.get(index).map_or(default, |text| text.parse().unwrap());
    let (seconds, connections, batch) = (number(1, 20), number(2, 4), number(3, 500));
    let contract = match args.get(4) {
        Some(path) => Contract::from_json_schema(&std::fs::read_to_string(path).unwrap()).unwrap(),
        None => Predictor::load(MODEL).unwrap().contract().clone(),
    };
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    std::fs::create_dir_all(home.production()).unwrap();
    std::fs::write(home.production().join("contract.json"), contract.to_json_schema().to_string()).unwrap();

    let (mut server, address) = start(&args[0], folder.path());
    let begun = Instant::now();
    let sums = load(&address, &tails(&contract), connections, batch, begun + Duration::from_secs(seconds as u64));
    let wall = begun.elapsed().as_secs_f64();
    let (cpu, peak) = (cpu_secs(server.id()), peak_mib(server.id()));
    let own = cpu_secs(std::process::id());
    let stopping = Instant::now();
    assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
    assert!(server.wait().unwrap().success());
    let n_logged = count(&home);
    let kept = n_logged as u64 >= sums.acknowledged;
    println!("acknowledged       {} records in {wall:.1} s", sums.acknowledged);
    println!("a second           {:.0}", sums.acknowledged as f64 / wall);
    println!("bytes a record     {:.0}", sums.bytes as f64 / sums.acknowledged as f64);
    println!("slowest answer     {:.0} ms", sums.slowest.as_secs_f64() * 1e3);
    println!("told to wait       {} times", sums.waits);
    println!(
        "server's CPU       {cpu:.1} s, {:.1} µs a record, compaction up to then included",
        cpu / sums.acknowledged as f64 * 1e6
    );
    println!("server's peak      {peak} MiB");
    println!("sender's CPU       {own:.1} s");
    println!("ended after        {:.1} s, in which it compacted the rest", stopping.elapsed().as_secs_f64());
    println!("in the log         {n_logged}{}", if kept { "" } else { ": RECORDS ARE MISSING" });
    std::process::exit(i32::from(!kept));
}

/// Posts over several connections until it is time.
fn load(address: &str, tails: &[String], connections: usize, batch: usize, until: Instant) -> Sums {
    std::thread::scope(|scope| {
        let post = |connection| scope.spawn(move || post(address, tails, connection, batch, until));
        let threads: Vec<_> = (0..connections).map(post).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).reduce(|a, b| a.plus(&b)).unwrap()
    })
}

/// What one connection did.
#[derive(Default)]
struct Sums {
    acknowledged: u64,
    bytes: u64,
    waits: u64,
    slowest: Duration,
}

impl Sums {
    fn plus(&self, other: &Self) -> Self {
        Self {
            acknowledged: self.acknowledged + other.acknowledged,
            bytes: self.bytes + other.bytes,
            waits: self.waits + other.waits,
            slowest: self.slowest.max(other.slowest),
        }
    }
}

fn start(monitor: &str, home: &Path) -> (Child, String) {
    let mut command = Command::new(monitor);
    command.args(["--home", home.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (child, address)
}

/// Posts batch after batch, each until it is taken.
fn post(address: &str, tails: &[String], connection: usize, batch: usize, until: Instant) -> Sums {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("{address}/v1/predictions");
    let mut sums = Sums::default();
    let mut next = 0;
    let mut body = String::new();
    while Instant::now() < until {
        body.clear();
        for _ in 0..batch {
            body += &format!("{{\"format\":1,\"id\":\"load-{connection}-{next}\",{}\n", tails[next % tails.len()]);
            next += 1;
        }
        loop {
            let sent = Instant::now();
            let mut answer = agent.post(&url).send(body.as_bytes()).expect("an answer from the server");
            let text = answer.body_mut().read_to_string().unwrap();
            sums.slowest = sums.slowest.max(sent.elapsed());
            match answer.status().as_u16() {
                200 => break,
                429 => sums.waits += 1,
                other => panic!("{other}: {text}"),
            }
            std::thread::sleep(Duration::from_secs(answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()));
        }
        sums.acknowledged += batch as u64;
        sums.bytes += body.len() as u64;
    }
    sums
}

/// Records as JSON, from the time on: all but what comes before.
fn tails(contract: &Contract) -> Vec<String> {
    (0..N_RECORDS).map(|index| tail(contract, index)).collect()
}

fn tail(contract: &Contract, index: usize) -> String {
    let share = index as f64 / N_RECORDS as f64;
    let value = |kind: &ColumnKind| match kind {
        ColumnKind::Numeric { integer, minimum, maximum, .. } => {
            let number = minimum + (maximum - minimum) * share;
            json!(if *integer { number.round() } else { number })
        }
        ColumnKind::Categorical { levels } => json!(levels[index % levels.len()]),
        ColumnKind::Date { median, .. } => json!(median.to_string()),
    };
    let features: Map<String, Json> = contract.columns.iter().map(|column| (column.name.clone(), value(&column.kind))).collect();
    let classes = &contract.target.classes;
    let others = (1.0 - share) / (classes.len() - 1) as f64;
    let probabilities: Map<String, Json> =
        classes.iter().enumerate().map(|(class, name)| (name.clone(), json!(if class == 0 { share } else { others }))).collect();
    let record = json!({
        "time": chrono::Utc::now().to_rfc3339(), "model": "load", "version": 1, "contract": contract.digest(), "source": "edge",
        "features": features, "label": classes[0], "probabilities": probabilities, "n_flags": 0,
    });
    record.to_string()[1..].to_owned()
}

fn cpu_secs(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}

fn count(home: &Home) -> i64 {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let files = format!("'{}/**/*.parquet'", home.predictions().display());
    connection
        .query_row(&format!("SELECT count(DISTINCT prediction_id) FROM read_parquet({files}, union_by_name = true)"), [], |row| {
            row.get(0)
        })
        .unwrap()
}
