//! The one table of settings. What a configuration file may say, which variables count, what
//! `config init`, `config show` and `config schema` print, and which flag means the same: all of
//! it comes from here. A new flag works from the file and from the environment once it has a row.

use super::{Key, Kind};

/// Everything that asks the service about all documents.
const RUNS: &[&str] = &["run", "plan", "adopt"];

/// Everything that asks the service.
const ASKS: &[&str] = &["run", "plan", "adopt", "verify"];

/// Everything that needs to know the service.
const SERVICE: &[&str] = &["run", "plan", "adopt", "verify", "doctor"];

/// Everything that has to do with a mirror. The demo is no use of a mirror that is configured.
const MIRROR: &[&str] = &[
    "run",
    "plan",
    "verify",
    "doctor",
    "status",
    "binders",
    "recover",
    "adopt",
    "snapshots",
    "ls",
    "history",
    "restore",
    "export",
    "acknowledge",
    "purge",
    "with-lock",
];

/// A row that has no flag.
const fn service(
    name: &'static str,
    kind: Kind,
    variable: &'static str,
    example: &'static str,
    help: &'static str,
) -> Key {
    Key { name, kind, flag: None, variable, example, help, commands: SERVICE }
}

/// All settings, in the order in which `config init` and `config show` have them.
pub const KEYS: &[Key] = &[
    service(
        "organisation",
        Kind::Text,
        "IBINDER_ORG_ID",
        "\"0f8fad5b-d9cb-469f-a165-70867728950e\"",
        "The organisation's id, which its owner sees beside the API client",
    ),
    service(
        "client_id",
        Kind::Text,
        "IBINDER_CLIENT_ID",
        "\"7c9e6679-7425-40de-944b-e07fc1f90ae7\"",
        "The API client's id; the owner of the organisation creates API clients",
    ),
    service(
        "client_secret",
        Kind::Secret,
        "IBINDER_CLIENT_SECRET",
        "",
        "The API client's secret itself: only from the environment, never in the configuration file",
    ),
    service(
        "client_secret_file",
        Kind::Path,
        "IBINDER_CLIENT_SECRET_FILE",
        "\"/etc/ibinder-sync/client_secret\"",
        "A file that holds the API client's secret and nothing else",
    ),
    service(
        "client_secret_command",
        Kind::Hidden,
        "IBINDER_CLIENT_SECRET_COMMAND",
        "\"pass show ibinder/client\"",
        "A command whose first line of output is the API client's secret",
    ),
    service(
        "api_url",
        Kind::Text,
        "IBINDER_API_URL",
        "\"https://api.ibinder.com/api\"",
        "Where the API is [default: https://api.ibinder.com/api]",
    ),
    service(
        "auth_url",
        Kind::Text,
        "IBINDER_AUTH_URL",
        "\"https://signin.ibinder.com/connect/token\"",
        "Where tokens are given out [default: https://signin.ibinder.com/connect/token]",
    ),
    Key {
        name: "dest",
        kind: Kind::Path,
        flag: Some("dest"),
        variable: "IBINDER_DEST",
        example: "\"/srv/mirror\"",
        help: "The folder that holds the mirror",
        commands: MIRROR,
    },
    Key {
        name: "existing",
        kind: Kind::Switch,
        flag: Some("existing"),
        variable: "IBINDER_EXISTING",
        example: "true",
        help: "Refuse a destination that holds no mirror yet: a disk that is not mounted, say",
        commands: &["run", "plan", "adopt", "doctor"],
    },
    Key {
        name: "binder",
        kind: Kind::List,
        flag: Some("binder"),
        variable: "IBINDER_BINDER",
        example: "[\"Brf *\"]",
        help: "Look only at binders with this id or name (a glob; may be repeated)",
        commands: RUNS,
    },
    Key {
        name: "exclude_binder",
        kind: Kind::List,
        flag: Some("exclude-binder"),
        variable: "IBINDER_EXCLUDE_BINDER",
        example: "[\"Test*\"]",
        help: "Leave binders with this id or name out",
        commands: RUNS,
    },
    Key {
        name: "include",
        kind: Kind::List,
        flag: Some("include"),
        variable: "IBINDER_INCLUDE",
        example: "[\"*.pdf\"]",
        help: "Mirror only documents that match, at any depth; a pattern with a slash starts at the binder's name",
        commands: RUNS,
    },
    Key {
        name: "exclude",
        kind: Kind::List,
        flag: Some("exclude"),
        variable: "IBINDER_EXCLUDE",
        example: "[\"*.mp4\"]",
        help: "Leave out documents that match, and everything in folders that match",
        commands: RUNS,
    },
    Key {
        name: "concurrency",
        kind: Kind::Count,
        flag: Some("concurrency"),
        variable: "IBINDER_CONCURRENCY",
        example: "8",
        help: "Downloads at once [default: 8]",
        commands: RUNS,
    },
    Key {
        name: "rate",
        kind: Kind::Tempo,
        flag: Some("rate"),
        variable: "IBINDER_RATE",
        example: "\"auto\"",
        help: "API requests per second, with a burst of at most a quarter of that; auto: as many as the service \
               answers well, beginning with what held in the last run; 0: no limit [default: auto]",
        commands: ASKS,
    },
    Key {
        name: "rate_max",
        kind: Kind::Number,
        flag: Some("rate-max"),
        variable: "IBINDER_RATE_MAX",
        example: "50",
        help: "API requests per second that --rate auto never goes above, whatever the service would grant \
               [default: 50]",
        commands: ASKS,
    },
    Key {
        name: "bandwidth",
        kind: Kind::Size,
        flag: Some("bandwidth"),
        variable: "IBINDER_BANDWIDTH",
        example: "\"5MB\"",
        help: "Bytes per second over all downloads, such as 5MB",
        // To `verify` the flag means what is read from the disk.
        commands: RUNS,
    },
    Key {
        name: "stall_timeout",
        kind: Kind::Time,
        flag: Some("stall-timeout"),
        variable: "IBINDER_STALL_TIMEOUT",
        example: "\"60s\"",
        help: "Abort a download that stalls for so long [default: 60s]",
        commands: RUNS,
    },
    Key {
        name: "min_speed",
        kind: Kind::Size,
        flag: Some("min-speed"),
        variable: "IBINDER_MIN_SPEED",
        example: "\"1kB\"",
        help: "Abort a download or an answer that brings fewer bytes per second over --stall-timeout; 0: never \
               [default: 1kB]",
        commands: RUNS,
    },
    Key {
        name: "refresh_folders",
        kind: Kind::Time,
        flag: Some("refresh-folders"),
        variable: "IBINDER_REFRESH_FOLDERS",
        example: "\"20h\"",
        help: "Read folder names again after so long [default: 20h]",
        commands: RUNS,
    },
    Key {
        name: "give_up",
        kind: Kind::Time,
        flag: Some("give-up"),
        variable: "IBINDER_GIVE_UP",
        example: "\"30m\"",
        help: "End early when the service has been down for so long; until then one request asks now and then \
               whether it is back [default: 30m]",
        commands: ASKS,
    },
    Key {
        name: "max_removals",
        kind: Kind::Cap,
        flag: Some("max-removals"),
        variable: "IBINDER_MAX_REMOVALS",
        example: "\"5%\"",
        help: "Believe at most so many absences, instead of the larger of 10 documents and 10 % of them",
        commands: RUNS,
    },
    Key {
        name: "max_duration",
        kind: Kind::Time,
        flag: Some("max-duration"),
        variable: "IBINDER_MAX_DURATION",
        example: "\"6h\"",
        help: "End early after so long; the next run goes on",
        commands: RUNS,
    },
    Key {
        name: "min_free",
        kind: Kind::Size,
        flag: Some("min-free"),
        variable: "IBINDER_MIN_FREE",
        example: "\"10GB\"",
        help: "End early when less than this would be left on the disk, such as 10GB",
        commands: RUNS,
    },
    Key {
        name: "scrub",
        kind: Kind::Share,
        flag: Some("scrub"),
        variable: "IBINDER_SCRUB",
        example: "\"2%\"",
        help: "When everything else is done, check the bytes of the next share of the mirror, such as 2%, and \
               repair what is missing or damaged",
        commands: RUNS,
    },
    Key {
        name: "retain",
        kind: Kind::Time,
        flag: Some("retain"),
        variable: "IBINDER_RETAIN",
        example: "\"90d\"",
        help: "Let the bytes go of what was superseded or removed longer ago than this, such as 90d; with both \
               rules a version is kept if either keeps it [default: keep everything]",
        commands: RUNS,
    },
    Key {
        name: "retain_versions",
        kind: Kind::Count,
        flag: Some("retain-versions"),
        variable: "IBINDER_RETAIN_VERSIONS",
        example: "10",
        help: "Let the bytes go of all but the newest N past versions of each document",
        commands: RUNS,
    },
    Key {
        name: "retain_runs",
        kind: Kind::Time,
        flag: Some("retain-runs"),
        variable: "IBINDER_RETAIN_RUNS",
        example: "\"400d\"",
        help: "Delete reports and manifests of runs longer ago than this, except the last 3 runs' and the newest \
               manifest",
        commands: RUNS,
    },
    Key {
        name: "status_file",
        kind: Kind::Path,
        flag: Some("status-file"),
        variable: "IBINDER_STATUS_FILE",
        example: "\"/var/lib/ibinder-sync/status.json\"",
        help: "Write a copy of the mirror's status here, which every user may read: see `status`",
        commands: &["run", "verify"],
    },
    Key {
        name: "metrics_file",
        kind: Kind::Path,
        flag: Some("metrics-file"),
        variable: "IBINDER_METRICS_FILE",
        example: "\"/var/lib/prometheus/node-exporter/ibinder.prom\"",
        help: "Write metrics here at the end, as node exporter's textfile collector reads them: its name ends in .prom",
        commands: &["run", "verify"],
    },
    Key {
        name: "ping_url",
        kind: Kind::Address,
        flag: Some("ping-url"),
        variable: "IBINDER_PING_URL",
        example: "\"https://hc-ping.com/0f8fad5b-d9cb-469f-a165-70867728950e\"",
        help: "Ping this at the start and at the end, as healthchecks.io has it: success only for a complete run; rather set in the file or the environment: flags are seen by everybody on the machine",
        commands: &["run"],
    },
    Key {
        name: "webhook",
        kind: Kind::Address,
        flag: Some("webhook"),
        variable: "IBINDER_WEBHOOK",
        example: "\"https://hooks.example.com/ibinder\"",
        help: "Send the report of a run that is not complete here, by POST, as JSON; rather set in the file or the environment: flags are seen by everybody on the machine",
        commands: &["run", "verify"],
    },
    Key {
        name: "on_failure",
        kind: Kind::Hidden,
        flag: Some("on-failure"),
        variable: "IBINDER_ON_FAILURE",
        example: "\"/usr/local/bin/tell-the-office\"",
        help: "Give the report of a run that is not complete to a command of the shell, on its standard input",
        commands: &["run", "verify"],
    },
    Key {
        name: "log_format",
        kind: Kind::Hidden,
        flag: Some("log-format"),
        variable: "IBINDER_LOG_FORMAT",
        example: "\"json\"",
        help: "How log lines look [default: text]",
        commands: ASKS,
    },
];
