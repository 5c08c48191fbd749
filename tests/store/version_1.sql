CREATE TABLE schema_version (
	version INTEGER NOT NULL,
	PRIMARY KEY (version)
);
CREATE TABLE jobs (
	number INTEGER NOT NULL,
	id VARCHAR(64) NOT NULL,
	service TEXT NOT NULL,
	model TEXT NOT NULL,
	prompt TEXT NOT NULL,
	prompt_words TEXT NOT NULL,
	params TEXT NOT NULL,
	"references" TEXT NOT NULL,
	identity VARCHAR(64) NOT NULL,
	seed TEXT,
	price INTEGER,
	status VARCHAR(16) NOT NULL,
	task_id TEXT,
	reserved_credits INTEGER,
	final_credits INTEGER,
	body TEXT,
	remote_status TEXT,
	error_code TEXT,
	error_message TEXT,
	request_id TEXT,
	created_at FLOAT NOT NULL,
	submitted_at FLOAT,
	finished_at FLOAT,
	owner VARCHAR(64),
	PRIMARY KEY (number),
	UNIQUE (id)
);
CREATE INDEX jobs_by_identity ON jobs (identity, service);
CREATE INDEX jobs_by_seed ON jobs (seed, number);
CREATE INDEX jobs_by_status ON jobs (status);
CREATE INDEX jobs_by_model ON jobs (model, number);
CREATE TABLE runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	name TEXT,
	service TEXT NOT NULL,
	created_at FLOAT NOT NULL,
	axes TEXT NOT NULL
);
CREATE TABLE uploads (
	service TEXT NOT NULL,
	model TEXT NOT NULL,
	sha256 VARCHAR(64) NOT NULL,
	url TEXT NOT NULL,
	created_at FLOAT NOT NULL,
	file_id TEXT,
	duration_token TEXT,
	PRIMARY KEY (service, model, sha256)
);
CREATE TABLE job_params (
	job_number INTEGER NOT NULL,
	"key" TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (job_number, "key"),
	FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE
);
CREATE INDEX job_params_by_value ON job_params ("key", value, job_number);
CREATE TABLE pictures (
	job_number INTEGER NOT NULL,
	position INTEGER NOT NULL,
	sha256 VARCHAR(64) NOT NULL,
	mime_type TEXT NOT NULL,
	width INTEGER NOT NULL,
	height INTEGER NOT NULL,
	size INTEGER NOT NULL,
	PRIMARY KEY (job_number, position),
	FOREIGN KEY(job_number) REFERENCES jobs (number) ON DELETE CASCADE
);
CREATE TABLE run_jobs (
	run_id INTEGER NOT NULL,
	position INTEGER NOT NULL,
	job_number INTEGER NOT NULL,
	coordinates TEXT NOT NULL,
	reused BOOLEAN NOT NULL,
	PRIMARY KEY (run_id, position),
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE,
	FOREIGN KEY(job_number) REFERENCES jobs (number)
);
CREATE INDEX ix_run_jobs_job_number ON run_jobs (job_number);
