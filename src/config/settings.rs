//! The settings. Each is declared here, once: its key in the file, its type, its default and what it does. From this
//! come its flag (`--max-duration`), its variable (`IBINDER_MAX_DURATION`), its key with all checks, the help texts, the
//! manual pages, `config show`, `config init`, `config schema` and the table in `docs/configuration.md`.
//!
//! To add one, add its lines here. Code above this module reads the field of [`Settings`]. The engine and the client lie
//! below it: `=> engine.NAME` and `=> client.NAME` fill in the field of that name of [`Options`] and [`remote::Settings`].

use std::{num::NonZeroU64, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{
    Address, Error, HostPort, Key, RateSetting, Value,
    declare::{Reader, settings},
    key::{EVERYWHERE, FILTERS},
    types::{
        ADDRESS, BANDWIDTH, BINDER_GLOB, COMMAND, CONCURRENCY, DURATION, FREE_SPACE, HOST_PORT, LANGUAGE, LINK_BASE,
        LOCATION, LOG_FORMAT, LONG_TIME, LogFormat, MAILBOX, MAILBOXES, MANIFEST_AGES, ORGANISATION, PATH, PATH_GLOB,
        RATE, RATE_MAX, REMOVAL_CAP, SECRET, SECURITY, SERVICE_URL, SHARE, SIZE, SWITCH, TEXT, TIMEOUT, VERSIONS,
    },
};
use crate::{
    model::{LinkBase, ManifestAges, OrganisationId, Share},
    notify::{Mailbox, Security},
    pace::{Policy, Rate},
    plan::RemovalCap,
    remote,
    replica::Location,
    report::Language,
    sync::{Adopt, Filter, Options},
};

/// Commands that mirror.
const RUNS: &[&str] = &["run", "plan", "adopt"];

/// Commands that call the service at a rate of their own.
const CALLS: &[&str] = &["run", "plan", "adopt", "verify"];

/// Commands that need the service's address and credentials.
const SERVICE: &[&str] = &["run", "plan", "adopt", "verify", "doctor"];

/// Commands that write a catalogue for people.
const CATALOGUES: &[&str] = &["run", "adopt", "catalogue"];

/// Commands that report to others.
const REPORTS: &[&str] = &["run", "verify"];

/// Commands that send mail.
const MAILS: &[&str] = &["run", "adopt", "doctor"];

/// Commands that keep a copy, or have to know of it.
const COPIES: &[&str] = &["run", "adopt", "replicate", "doctor", "purge"];

/// Commands that write to a copy or read one.
const STORES: &[&str] = &[
    "run",
    "adopt",
    "replicate",
    "doctor",
    "purge",
    "verify",
    "recover",
    "snapshots",
    "find",
    "ls",
    "history",
    "restore",
];

/// Commands that transfer much.
const TRANSFERS: &[&str] = &["run", "plan", "adopt", "replicate"];

/// Commands that work on a mirror. The demo must never use the one that is configured.
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
    "changes",
    "find",
    "withheld",
    "confirm-removals",
    "ls",
    "history",
    "restore",
    "export",
    "catalogue",
    "handover",
    "acknowledge",
    "purge",
    "with-lock",
    "replicate",
];

/// The other headings of the help.
const SPEED: &str = "Speed";
const LIMITS: &str = "Limits";
const RETENTION: &str = "Retention";
const CATALOGUE: &str = "Catalogue";
const NOTIFICATIONS: &str = "Notifications";
const READERS: &str = "Pages and workbooks";

settings! {
    /// The organisation's id, which its owner sees next to the API client
    organisation: Option<OrganisationId> =
        ORGANISATION.example("0f8fad5b-d9cb-469f-a165-70867728950e").without_flag().variable("IBINDER_ORG_ID").of(SERVICE);

    /// The API client's id; the owner of the organisation creates API clients
    client_id: Option<String> = TEXT.example("7c9e6679-7425-40de-944b-e07fc1f90ae7").without_flag().of(SERVICE);

    /// The API client's secret itself: only from the environment, never in the configuration file
    client_secret: Option<SecretString> = SECRET.without_flag().of(SERVICE);

    /// A file that holds the API client's secret and nothing else
    client_secret_file: Option<PathBuf> = PATH.example("/etc/ibinder-sync/client_secret").without_flag().of(SERVICE);

    /// A command that prints the API client's secret as its first line
    client_secret_command: Option<String> = COMMAND.example("pass show ibinder/client").without_flag().of(SERVICE);

    /// URL of the API
    api_url: Option<Url> = SERVICE_URL.default(remote::Settings::API_URL).without_flag().of(SERVICE);

    /// URL of the token endpoint
    auth_url: Option<Url> = SERVICE_URL.default(remote::Settings::AUTH_URL).without_flag().of(SERVICE);

    /// The folder that holds the mirror
    dest: Option<PathBuf> = PATH.takes("DIR").example("/srv/mirror").of(MIRROR);

    /// Refuse a destination that holds no mirror yet, for example because its disk is not mounted; `run --first` begins one
    existing: bool = SWITCH.default("false").example("true").of(&["run", "plan", "adopt", "doctor"]);

    /// Mirror only binders with this id or name (a glob; may be repeated)
    binder: Vec<String> = BINDER_GLOB.example("Brf *").under(FILTERS).of(RUNS);

    /// Leave out binders with this id or name
    exclude_binder: Vec<String> = BINDER_GLOB.example("Test*").under(FILTERS).of(RUNS);

    /// Mirror only documents that match, at any depth; a pattern with a slash starts at the binder's name
    include: Vec<String> = PATH_GLOB.example("*.pdf").under(FILTERS).of(RUNS);

    /// Leave out documents that match, and everything in folders that match
    exclude: Vec<String> = PATH_GLOB.example("*.mp4").under(FILTERS).of(RUNS);

    /// Number of downloads at once
    concurrency: usize = CONCURRENCY.default("8").under(SPEED).of(RUNS) => engine.concurrency => client.downloads;

    /// API requests per second, with a burst of at most a quarter of that; auto: as many as the service handles well,
    /// starting with the rate that the last run ended with; 0: no limit
    rate: RateSetting = RATE.default("auto").under(SPEED).of(CALLS);

    /// Most API requests per second that --rate auto tries, even if the service would handle more
    rate_max: Option<Rate> = RATE_MAX.default("50").under(SPEED).of(CALLS);

    /// Limit for all downloads together, and for all uploads of a copy, in bytes per second, such as 5MB
    bandwidth: Option<NonZeroU64> = BANDWIDTH.example("5MB").under(SPEED).of(TRANSFERS) => engine.bandwidth;

    /// Abort a download that stalls for this long
    stall_timeout: Duration = TIMEOUT.default("60s").under(SPEED).of(RUNS) => client.stall_timeout;

    /// Abort a download or an API response that brings fewer bytes per second than this, measured over --stall-timeout;
    /// 0: never
    min_speed: u64 = SIZE.default("1kB").under(SPEED).of(RUNS) => client.min_speed;

    /// Read folder names again after this time
    refresh_folders: Duration = DURATION.default("20h").under(SPEED).of(RUNS) => engine.refresh_folders;

    /// Stop when the service has been down for this long; until then, retry from time to time
    give_up: Duration = TIMEOUT.default("30m").under(LIMITS).of(CALLS) => client.give_up;

    /// Remove at most N documents (or P% of them) that iBinder no longer lists, instead of the larger of 10 documents
    /// and 10 %
    max_removals: RemovalCap = REMOVAL_CAP.example("5%").under(LIMITS).of(RUNS) => engine.max_removals;

    /// Stop after this time; the next run continues
    max_duration: Option<Duration> = TIMEOUT.example("6h").under(LIMITS).of(TRANSFERS) => engine.max_duration;

    /// Stop before less than this is left on the disk, such as 10GB
    min_free: u64 = FREE_SPACE.example("10GB").under(LIMITS).of(RUNS) => engine.min_free;

    /// At the end, check the content of the next P% of the mirror, such as 2%, and repair what is missing or damaged
    scrub: Option<Share> = SHARE.example("2%").of(RUNS) => engine.scrub;

    /// Delete versions that were replaced or removed more than TIME ago, such as 90d; with both rules a version is kept
    /// if either keeps it [default: keep everything]
    retain: Option<Duration> = LONG_TIME.example("90d").under(RETENTION).of(RUNS) => engine.retain;

    /// Delete all but the newest N old versions of each document
    retain_versions: Option<NonZeroU64> = VERSIONS.example("10").under(RETENTION).of(RUNS) => engine.retain_versions;

    /// Delete reports and manifests of runs more than TIME ago, except those of the last 3 runs and the newest manifest
    retain_runs: Option<Duration> = LONG_TIME.example("400d").under(RETENTION).of(RUNS) => engine.retain_runs;

    /// Keep one manifest a day for the first time, one a week for the second, then one a month, and all of the last 24
    /// hours; all: keep every one
    retain_manifests: Option<ManifestAges> =
        MANIFEST_AGES.default("31d,366d").under(RETENTION).of(RUNS) => engine.retain_manifests;

    /// Keep a copy of the mirror in this bucket of S3 (s3:), container of Azure (az:) or folder (file:), and bring it up to date at
    /// the end of each run
    replicate: Option<Location> = LOCATION.example("s3://backup-eken/mirror").without_flag().of(COPIES);

    /// A file with the credentials of the copy's store: lines of NAME=VALUE, which variables of the environment
    /// overrule
    replicate_credentials_file: Option<PathBuf> =
        PATH.example("/etc/ibinder-sync/store_credentials").without_flag().of(STORES);

    /// Ask the cloud's metadata service for credentials, on a machine or in a container of that cloud
    replicate_ask_metadata: bool = SWITCH.default("false").example("true").without_flag().of(STORES);

    /// Number of uploads at once
    replicate_transfers: usize = CONCURRENCY.default("16").without_flag().of(STORES);

    /// Read this share of the copy each time and compare it with its hashes; what is damaged is uploaded again
    replicate_check: Option<Share> = SHARE.example("5%").without_flag().of(&["run", "adopt"]);

    /// The bucket was set up so that nothing in it can be deleted for a time; `doctor` checks that
    replicate_immutable: bool = SWITCH.default("false").example("true").without_flag().of(COPIES);

    /// Keep a catalogue beside the tree: index.html, which opens in a browser, and its data
    catalogue: bool = SWITCH.default("false").example("true").under(CATALOGUE).of(&["run", "adopt"]);

    /// Show names of removed documents and old versions in the catalogue, to everybody who may read it
    catalogue_history: bool = SWITCH.default("false").example("true").under(CATALOGUE).of(CATALOGUES);

    /// Put each binder's part of the catalogue into the binder's folder, for shares that have rights by binder
    catalogue_per_binder: bool = SWITCH.default("false").example("true").under(CATALOGUE).of(CATALOGUES);

    /// The organisation's name, as the catalogue and the pages of runs show it
    organisation_name: Option<String> = TEXT.example("Brf-förvaltning Syd").without_flag().of(CATALOGUES);

    /// Write a copy of the mirror's status, which every user may read, to this file: see `status`
    status_file: Option<PathBuf> = PATH.example("/var/lib/ibinder-sync/status.json").under(NOTIFICATIONS).of(REPORTS);

    /// Write metrics for node exporter's textfile collector to this file at the end; its name must end in .prom
    metrics_file: Option<PathBuf> =
        PATH.example("/var/lib/prometheus/node-exporter/ibinder.prom").under(NOTIFICATIONS).of(REPORTS);

    /// Ping this URL at the start and at the end, as healthchecks.io expects: success only for a complete run. Set it in
    /// the file or the environment: everybody on the machine can see flags
    ping_url: Option<Address> =
        ADDRESS.example("https://hc-ping.com/0f8fad5b-d9cb-469f-a165-70867728950e").under(NOTIFICATIONS).of(&["run"]);

    /// POST the report of an incomplete run to this URL, as JSON. Set it in the file or the environment: everybody on the
    /// machine can see flags
    webhook: Option<Address> = ADDRESS.example("https://hooks.example.com/ibinder").under(NOTIFICATIONS).of(REPORTS);

    /// Run this shell command after an incomplete run, with the report on its standard input
    on_failure: Option<String> = COMMAND.example("/usr/local/bin/tell-the-office").under(NOTIFICATIONS).of(REPORTS);

    /// Write the page of each run, which every user may read, to this file
    report_file: Option<PathBuf> = PATH.example("/srv/www/mirror.html").under(READERS).of(&["run", "adopt"]);

    /// Where links of that page and of workbooks lead, instead of the way from their folder to the mirror: the mirror's
    /// folder as its readers name it, as a URL, a share such as \\server\mirror, or a path
    link_base: Option<LinkBase> = LINK_BASE.example("https://files.example.com/mirror").under(READERS).of(&["run", "adopt", "export"]);

    /// The language of the page of a run and of workbooks: en or sv [default: that of mail]
    report_language: Option<Language> =
        LANGUAGE.example("sv").under(READERS).of(&["run", "adopt", "export"]);

    /// Send mail to these addresses when a run fails or is incomplete, when it works again, and once a month if all is
    /// well; at most one a day
    mail_to: Vec<Mailbox> = MAILBOXES.example("anna@example.com").without_flag().of(MAILS);

    /// The sender of the mail; the name is optional
    mail_from: Option<Mailbox> = MAILBOX.example("iBinder backup <backup@example.com>").without_flag().of(MAILS);

    /// The mail server, perhaps with a port [default: 587, 465 for tls, 25 for none]
    mail_server: Option<HostPort> = HOST_PORT.example("smtp.example.com").without_flag().of(MAILS);

    /// How the connection is encrypted: starttls, tls (from the start), or none (only for a server on this machine,
    /// and without a user)
    mail_security: Security = SECURITY.default("starttls").without_flag().of(MAILS);

    /// The user of the mail server; none for a server that needs no login
    mail_user: Option<String> = TEXT.example("backup@example.com").without_flag().of(MAILS);

    /// The password itself: only from the environment, never in the configuration file
    mail_password: Option<SecretString> = SECRET.without_flag().of(MAILS);

    /// A file that holds the password and nothing else
    mail_password_file: Option<PathBuf> = PATH.example("/etc/ibinder-sync/mail_password").without_flag().of(MAILS);

    /// A command that prints the password as its first line
    mail_password_command: Option<String> = COMMAND.example("pass show mail/backup").without_flag().of(MAILS);

    /// The language of the mail: en or sv
    mail_language: Language = LANGUAGE.default("en").example("sv").without_flag().of(&["run", "adopt", "doctor", "export"]);

    /// Name documents in the mail; without it a mail has counts and causes
    mail_names: bool = SWITCH.default("false").example("true").without_flag().of(MAILS);

    /// Format of log lines
    log_format: LogFormat = LOG_FORMAT.default("text").example("json").under(EVERYWHERE).of(CALLS);
}

impl Key {
    /// The key of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::look_up(&|_| None, "").0
    }
}
