//! What becomes of a job when workers and tasks fail, told and asked without a pool.

use datafusion::arrow::datatypes::Schema;
use datafusion::physical_plan::empty::EmptyExec;

use super::losses::FATAL;
use super::*;
use crate::cluster::protocol::{Done, Trouble};
use crate::cluster::scheduler::plan::{StagePlan, StageWork};
use crate::cluster::trouble::Kind;

const BOTH: [WorkerId; 2] = [1, 2];

/// A chain of stages of two tasks, each of which reads the one before; these are the ones whose rows are
/// the same when they are made again.
fn chain(repeats: &[bool]) -> Job {
    let stages = repeats.iter().enumerate().map(|(place, repeats)| StagePlan {
        work: StageWork::Parts {
            plan: Arc::new(EmptyExec::new(Arc::new(Schema::empty()))),
            spread: None,
            places: HashMap::new(),
        },
        parts: 2,
        inputs: place.checked_sub(1).into_iter().collect(),
        held: 0,
        repeats: *repeats,
        in_order: true,
        encoded_once: None,
    });
    let planned = Planned { stages: stages.collect(), physical: None };
    Job::new(1, "query".into(), HashMap::new(), Bytes::new(), false, planned)
}

/// Two stages, of which the second reads the first.
fn job(repeats: bool) -> Job {
    chain(&[repeats, true])
}

fn address(worker: WorkerId) -> Option<String> {
    Some(format!("host:{worker}"))
}

/// Has a worker start what is next for it.
fn start(job: &mut Job, worker: WorkerId) -> Option<(Place, Run)> {
    let place = job.next(worker, &BOTH, None)?;
    let run = job.start(place, worker, &Arc::default(), address).unwrap()?;
    Some((place, run))
}

fn report(run: &Run, outcome: task_report::Outcome) -> TaskReport {
    let (job, stage) = (run.job, run.stage);
    let (task, edition) = (run.tasks.first().copied(), run.edition);
    TaskReport { job, stage, task, edition, outcome: Some(outcome) }
}

fn done(job: &mut Job, worker: WorkerId, run: &Run) {
    let made = Done { rows: vec![1], bytes: vec![8], ..Done::default() };
    job.hear(worker, report(run, task_report::Outcome::Done(made)));
}

fn failed(job: &mut Job, worker: WorkerId, run: &Run, kind: Kind) {
    let trouble = Trouble { message: "it failed".into(), kind: kind as u32, lost: None };
    job.hear(worker, report(run, task_report::Outcome::Failed(trouble)));
}

/// The first stage is made by both, and the first part of the second by worker 2.
fn half_way(repeats: bool) -> Job {
    let mut job = job(repeats);
    for worker in BOTH {
        let (_, run) = start(&mut job, worker).unwrap();
        done(&mut job, worker, &run);
    }
    // What is made of one worker's rows alone is made there first.
    let (place, run) = start(&mut job, 2).unwrap();
    assert_eq!(place, Place { stage: 1, part: 1 });
    done(&mut job, 2, &run);
    job
}

#[test]
fn only_what_is_lost_is_made_again() {
    let mut job = half_way(true);
    job.lose(1);
    assert_eq!(job.progress(), (2, 4));
    let (place, run) = start(&mut job, 2).unwrap();
    assert_eq!((place, run.tasks[0].attempt), (Place { stage: 0, part: 0 }, 1));
    done(&mut job, 2, &run);
    let (place, run) = start(&mut job, 2).unwrap();
    assert_eq!(place, Place { stage: 1, part: 0 });
    done(&mut job, 2, &run);
    job.finish(address);
    assert_eq!(job.ended(), Some(Ended::Finished));
}

#[test]
fn rows_that_may_be_others_are_read_by_all_again() {
    let mut job = half_way(false);
    job.lose(1);
    assert_eq!(job.progress(), (1, 4), "the second stage starts over");
}

/// Has both make their parts of a stage.
fn both(job: &mut Job, stage: usize) {
    for worker in BOTH {
        let (place, run) = start(job, worker).unwrap();
        assert_eq!(place.stage, stage);
        done(job, worker, &run);
    }
}

#[test]
fn other_rows_make_other_rows_all_the_way_up() {
    // The second stage makes the same of the same, but it is given other rows by the first.
    let mut job = chain(&[false, true, true]);
    both(&mut job, 0);
    both(&mut job, 1);
    let (_, run) = start(&mut job, 2).unwrap();
    done(&mut job, 2, &run);
    // What is lost is a part of the first and of the second; the third has one made of the old rows.
    job.lose(1);
    assert_eq!(job.progress(), (1, 6), "what worker 2 made of the first stage, and nothing else");
}

#[test]
fn old_rows_and_new_ones_do_not_meet_later_either() {
    let mut job = chain(&[false, true, true]);
    for (stage, part, worker) in [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 2)] {
        let place = Place { stage, part };
        let run = job.start(place, worker, &Arc::default(), address).unwrap().unwrap();
        done(&mut job, worker, &run);
    }
    // A part of the first is gone; the second has all it needs of the old rows, and stays.
    job.lose(1);
    assert_eq!(job.progress(), (3, 6));
    // Now it lacks a part, which would be made of the new rows: so are all.
    job.lose(3);
    assert_eq!(job.progress(), (1, 6));
}

#[test]
fn what_nobody_needs_is_not_made_again() {
    let mut job = half_way(true);
    let (_, run) = start(&mut job, 1).unwrap();
    done(&mut job, 1, &run);
    job.finish(address);
    assert_eq!(job.ended(), Some(Ended::Finished));
    // A part of the answer is lost before it was fetched; of what it was made of, both halves.
    job.lose(1);
    assert_eq!(job.ended(), None);
    let places: Vec<_> = std::iter::from_fn(|| {
        let (place, run) = start(&mut job, 2)?;
        done(&mut job, 2, &run);
        Some(place)
    })
    .collect();
    assert_eq!(places, [Place { stage: 0, part: 0 }, Place { stage: 1, part: 0 }]);
    job.finish(address);
    assert_eq!(job.ended(), Some(Ended::Finished));
}

#[test]
fn attempts_that_do_not_count_are_not_heard() {
    let mut job = job(true);
    let (_, first) = start(&mut job, 1).unwrap();
    job.lose(1);
    let (place, second) = start(&mut job, 2).unwrap();
    assert_eq!(place, Place { stage: 0, part: 0 });
    done(&mut job, 1, &first);
    assert_eq!(job.progress(), (0, 4));
    done(&mut job, 2, &second);
    done(&mut job, 2, &second);
    assert_eq!(job.progress(), (1, 4));
}

#[test]
fn a_bad_disk_is_avoided_and_a_bad_query_fails_at_once() {
    let mut job = job(true);
    let (place, run) = start(&mut job, 1).unwrap();
    failed(&mut job, 1, &run, Kind::Io);
    // The other part for the one who failed, and the failed one for the other.
    assert_eq!(job.next(1, &BOTH, None), Some(Place { stage: 0, part: 1 }));
    assert_eq!(job.next(2, &BOTH, None), Some(place));
    let (_, run) = start(&mut job, 2).unwrap();
    failed(&mut job, 2, &run, Kind::DivideByZero);
    assert_eq!(job.ended(), Some(Ended::Failed));
    assert_eq!(job.next(1, &BOTH, None), None);
}

#[test]
fn a_task_that_takes_its_workers_along_fails() {
    let mut job = job(true);
    for worker in 1..=FATAL as u64 {
        assert_eq!(job.ended(), None);
        let place = Place { stage: 0, part: 0 };
        job.start(place, worker, &Arc::default(), address).unwrap();
        job.lose(worker);
    }
    assert_eq!(job.ended(), Some(Ended::Failed));
}

#[test]
fn memory_that_is_refused_is_planned_for_once() {
    let mut job = job(true);
    let (_, first) = start(&mut job, 1).unwrap();
    let (_, second) = start(&mut job, 2).unwrap();
    for (worker, run) in [(1, &first), (2, &second)] {
        failed(&mut job, worker, run, Kind::Memory);
    }
    assert_eq!((job.ended(), job.next(1, &BOTH, None)), (None, None));
    job.take_plan(Planned { stages: self::job(true).into_plans(), physical: None });
    let (_, again) = start(&mut job, 1).unwrap();
    assert_eq!(again.stage, 2, "stages of another plan have other numbers");
    failed(&mut job, 1, &again, Kind::Memory);
    assert_eq!(job.ended(), Some(Ended::Failed));
}

impl Job {
    fn into_plans(self) -> Vec<StagePlan> {
        self.stages.into_iter().map(|stage| stage.plan).collect()
    }
}

#[test]
fn tasks_that_hold_much_wait_for_room_unless_they_are_alone() {
    let mut job = job(true);
    job.stages[0].plan.held = 60;
    assert!(job.next(1, &BOTH, Some(59)).is_none());
    assert!(job.next(1, &BOTH, Some(60)).is_some());
    let (place, _) = start(&mut job, 1).unwrap();
    assert_eq!((job.held_at(place), job.held_on(1), job.held_on(2)), (60, 60, 0));
    assert!(job.next(1, &BOTH, Some(40)).is_none());
    assert!(job.next(2, &BOTH, None).is_some());
}

/// Where the parts of the answer are that are news: their attempts, and whether they are being made.
fn news(job: &Job, known: &mut Known) -> Option<Vec<(u32, u32, bool)>> {
    let there = job.there(known, address)?;
    let told = |part: crate::cluster::protocol::Part| {
        (part.at, part.source.unwrap().task.unwrap().attempt, part.live)
    };
    Some(there.parts.into_iter().map(told).collect())
}

#[test]
fn rows_are_handed_out_as_they_are_made_where_they_stay_the_same() {
    let mut job = half_way(true);
    let mut known = Known::default();
    assert_eq!(news(&job, &mut known), Some(vec![(1, 0, false)]));
    let (_, run) = start(&mut job, 1).unwrap();
    assert!(run.live);
    assert_eq!(news(&job, &mut known), Some(vec![]), "a quick one comes whole");
    std::thread::sleep(std::time::Duration::from_millis(150));
    assert_eq!(news(&job, &mut known), Some(vec![(0, 0, true)]));
    done(&mut job, 1, &run);
    assert_eq!(news(&job, &mut known), Some(vec![(0, 0, false)]));
    job.lose(1);
    assert_eq!(news(&job, &mut known), Some(vec![]));
    for _ in 0..2 {
        let (_, run) = start(&mut job, 2).unwrap();
        done(&mut job, 2, &run);
    }
    assert_eq!(news(&job, &mut known), Some(vec![(0, 1, false)]));
}

#[test]
fn rows_that_may_be_others_are_handed_out_when_all_are_made() {
    let keeps = |mut job: Job| {
        job.stages[1].plan.in_order = false;
        job
    };
    for mut job in [half_way(false), keeps(half_way(true))] {
        let mut known = Known::default();
        assert_eq!(news(&job, &mut known), None);
        let (_, run) = start(&mut job, 1).unwrap();
        assert!(!run.live);
        done(&mut job, 1, &run);
        assert_eq!(news(&job, &mut known), Some(vec![(0, 0, false), (1, 0, false)]));
    }
}

#[test]
fn what_was_handed_out_is_not_planned_anew() {
    let mut job = half_way(true);
    let (_, run) = start(&mut job, 1).unwrap();
    failed(&mut job, 1, &run, Kind::Memory);
    assert_eq!(job.ended(), Some(Ended::Failed));
}

#[test]
fn what_was_given_away_is_made_again_as_often_as_its_reader_is_cut_off() {
    let mut job = half_way(true);
    for _ in 0..10 {
        let (place, run) = start(&mut job, 1).unwrap();
        assert_eq!(place, Place { stage: 1, part: 0 });
        failed(&mut job, 1, &run, Kind::Lost);
    }
    assert_eq!(job.ended(), None);
}

#[test]
fn a_part_of_another_plan_is_not_missed() {
    let mut job = half_way(true);
    let source = |attempt| crate::cluster::protocol::Source {
        worker: 2,
        task: Some(TaskId { part: 1, attempt }),
        ..Default::default()
    };
    job.miss(0, &source(0), false);
    assert_eq!(job.progress(), (3, 4));
    job.miss(1, &source(0), false);
    assert_eq!(job.progress(), (2, 4));
}
