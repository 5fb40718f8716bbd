/**
 * How the database came to its present form. A migration that has shipped is
 * never edited; a new one only adds (tables, columns with a default or null,
 * indexes), so that the version before can still be understood.
 *
 * @module
 */
import { AppError } from "../../domain/error.ts";
import type { Connection } from "./connection.ts";

/** One step of the schema, applied in one transaction. */
export interface Migration {
  version: number;
  name: string;
  statements: readonly string[];
}

const OWNER = "tenant_id TEXT, key_id TEXT, user_id TEXT";
const ID = `id TEXT PRIMARY KEY NOT NULL, ${OWNER}`;

/** Every migration, oldest first. */
export const MIGRATIONS: readonly Migration[] = [{
  version: 1,
  name: "first tables",
  statements: [
    `CREATE TABLE agents (id TEXT NOT NULL, tenant_id TEXT NOT NULL, key_id TEXT, user_id TEXT, revision INTEGER,
      config TEXT, source_hash TEXT, created_at TEXT, updated_at TEXT, deleted_at TEXT, PRIMARY KEY (tenant_id, id))`,

    `CREATE TABLE agent_revisions (${ID}, agent_id TEXT, revision INTEGER, config TEXT, created_at TEXT)`,
    "CREATE INDEX agent_revisions_by_agent ON agent_revisions (agent_id, revision)",

    `CREATE TABLE conversations (${ID}, agent_id TEXT, title TEXT, metadata TEXT, turns INTEGER, created_at TEXT,
      updated_at TEXT)`,
    "CREATE INDEX conversations_by_owner ON conversations (tenant_id, key_id, user_id, id)",

    `CREATE TABLE messages (${ID}, conversation_id TEXT, run_id TEXT, turn INTEGER, role TEXT, content TEXT,
      attachments TEXT, tool_calls TEXT, tool_call_id TEXT, metadata TEXT, created_at TEXT)`,
    "CREATE INDEX messages_by_conversation ON messages (conversation_id, turn, id)",
    "CREATE INDEX messages_by_run ON messages (run_id)",

    `CREATE TABLE runs (${ID}, conversation_id TEXT, turn INTEGER, agent_id TEXT, agent_revision INTEGER, status TEXT,
      waiting_for TEXT, multitask TEXT, on_disconnect TEXT, response_format TEXT, metadata TEXT,
      usage TEXT, error TEXT, epoch INTEGER, instance_id TEXT, lease_until INTEGER, cancel_requested_at TEXT,
      cancel_reason TEXT, pruned_seq INTEGER, created_at TEXT, started_at TEXT, ended_at TEXT)`,
    "CREATE INDEX runs_by_conversation ON runs (conversation_id, turn)",
    "CREATE INDEX runs_by_lease ON runs (status, lease_until)",
    "CREATE INDEX runs_by_owner ON runs (tenant_id, key_id, id)",
    "CREATE INDEX runs_by_end ON runs (ended_at)",

    `CREATE TABLE steps (${ID}, run_id TEXT, position INTEGER, kind TEXT, status TEXT, attempt INTEGER, model TEXT,
      usage TEXT, error TEXT, output TEXT, started_at TEXT, ended_at TEXT)`,
    "CREATE INDEX steps_by_run ON steps (run_id)",

    `CREATE TABLE tool_calls (${ID}, run_id TEXT, step_id TEXT, tool TEXT, arguments TEXT, status TEXT, result TEXT,
      error TEXT, attempt INTEGER, idempotent INTEGER, duration_ms REAL, created_at TEXT, started_at TEXT,
      ended_at TEXT)`,
    "CREATE INDEX tool_calls_by_run ON tool_calls (run_id)",

    `CREATE TABLE approvals (${ID}, run_id TEXT, kind TEXT, status TEXT, reason TEXT, decider TEXT, decided_by TEXT,
      decided_at TEXT, expires_at TEXT, created_at TEXT)`,
    "CREATE INDEX approvals_by_expiry ON approvals (status, expires_at)",
    "CREATE INDEX approvals_by_run ON approvals (run_id)",

    `CREATE TABLE model_calls (${ID}, run_id TEXT, step_id TEXT, agent_id TEXT, provider TEXT, model TEXT,
      input_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, cached_input_tokens INTEGER, cost REAL,
      outcome TEXT, error TEXT, started_at TEXT, duration_ms REAL)`,
    "CREATE INDEX model_calls_by_time ON model_calls (tenant_id, started_at)",
    "CREATE INDEX model_calls_by_run ON model_calls (run_id)",

    `CREATE TABLE events (run_id TEXT NOT NULL, seq INTEGER NOT NULL, v INTEGER, type TEXT, data TEXT,
      PRIMARY KEY (run_id, seq)) WITHOUT ROWID`,

    `CREATE TABLE idempotency (${ID}, operation TEXT, body_hash TEXT, resource TEXT, created_at TEXT)`,
    "CREATE INDEX idempotency_by_time ON idempotency (created_at)",

    `CREATE TABLE users (${ID}, context TEXT, created_at TEXT, updated_at TEXT, last_seen_at TEXT)`,
    "CREATE INDEX users_by_tenant ON users (tenant_id, user_id)",

    `CREATE TABLE files (${ID}, name TEXT, media_type TEXT, size INTEGER, sha256 TEXT, created_at TEXT)`,
    "CREATE INDEX files_by_owner ON files (tenant_id, key_id, id)",
    "CREATE INDEX files_by_user ON files (user_id)",
    "CREATE INDEX files_by_time ON files (created_at)",

    `CREATE TABLE audit (${ID}, time TEXT, action TEXT, outcome TEXT, error TEXT, address TEXT, request_id TEXT,
      details TEXT)`,
    "CREATE INDEX audit_by_tenant ON audit (tenant_id, id)",
    "CREATE INDEX audit_by_time ON audit (time)",
  ],
}, {
  version: 2,
  name: "answers to given messages",
  statements: [
    "ALTER TABLE conversations ADD COLUMN ephemeral INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conversations ADD COLUMN external_id TEXT",
    `CREATE INDEX conversations_by_name ON conversations (tenant_id, key_id, user_id, external_id)
      WHERE external_id IS NOT NULL`,
    "CREATE INDEX conversations_by_age ON conversations (ephemeral, updated_at)",
    "ALTER TABLE messages ADD COLUMN citations TEXT",
    "ALTER TABLE runs ADD COLUMN options TEXT",
    "ALTER TABLE files ADD COLUMN conversation_id TEXT",
    "CREATE INDEX files_by_conversation ON files (conversation_id) WHERE conversation_id IS NOT NULL",
  ],
}, {
  version: 3,
  name: "tool servers and policies",
  statements: [
    `CREATE TABLE mcp_servers (name TEXT PRIMARY KEY NOT NULL, ${OWNER}, definition TEXT, source TEXT, era TEXT,
      type TEXT, created_at TEXT, updated_at TEXT)`,
    `CREATE TABLE mcp_grants (id TEXT PRIMARY KEY NOT NULL, server TEXT, user_id TEXT, state TEXT, secrets TEXT,
      updated_at TEXT)`,
    "CREATE INDEX mcp_grants_by_state ON mcp_grants (state) WHERE state IS NOT NULL",
    `CREATE TABLE policies (id TEXT NOT NULL, ${OWNER}, revision INTEGER NOT NULL, policy TEXT, created_at TEXT,
      replaced_at TEXT, PRIMARY KEY (id, revision))`,
    "ALTER TABLE approvals ADD COLUMN question TEXT",
    "ALTER TABLE approvals ADD COLUMN answer TEXT",
    "CREATE INDEX approvals_by_owner ON approvals (tenant_id, key_id, id)",
    "DROP INDEX tool_calls_by_run",
    "CREATE INDEX tool_calls_by_run ON tool_calls (run_id, id)",
  ],
}, {
  version: 4,
  name: "calls",
  statements: [
    `CREATE TABLE rtc_sessions (${ID}, agent_id TEXT, conversation_id TEXT, room_id TEXT, recording_id TEXT, dialect TEXT,
      state TEXT, held INTEGER, modalities TEXT, voice TEXT, reason TEXT, stats TEXT, metadata TEXT, instance_id TEXT,
      secret_id TEXT, created_at TEXT, connected_at TEXT, ended_at TEXT)`,
    "CREATE INDEX rtc_sessions_by_owner ON rtc_sessions (tenant_id, key_id, id)",
    "CREATE INDEX rtc_sessions_by_state ON rtc_sessions (state, id)",
    `CREATE TABLE rtc_looks (${ID}, session_id TEXT, run_id TEXT, tool_call_id TEXT, source TEXT, consent TEXT,
      width INTEGER, height INTEGER, file_id TEXT, created_at TEXT)`,
    "CREATE INDEX rtc_looks_by_session ON rtc_looks (session_id, id)",
    `CREATE TABLE rtc_recordings (${ID}, session_id TEXT, room_id TEXT, state TEXT, reason TEXT, tracks TEXT, transcript TEXT,
      duration_ms INTEGER, size INTEGER, sealed INTEGER, dropped INTEGER, started_at TEXT, ended_at TEXT,
      expires_at TEXT)`,
    "CREATE INDEX rtc_recordings_by_owner ON rtc_recordings (tenant_id, key_id, id)",
    "CREATE INDEX rtc_recordings_by_session ON rtc_recordings (session_id, id)",
    "CREATE INDEX rtc_recordings_by_room ON rtc_recordings (room_id, id)",
    "CREATE INDEX rtc_recordings_by_state ON rtc_recordings (state, id)",
    "CREATE INDEX rtc_recordings_by_expiry ON rtc_recordings (expires_at)",
    `CREATE TABLE rtc_secrets (${ID}, digest TEXT, session TEXT, expires_at TEXT, created_at TEXT)`,
    `CREATE TABLE rtc_rooms (${ID}, name TEXT, conversation_id TEXT, max_members INTEGER, agents TEXT, created_at TEXT,
      ended_at TEXT, reason TEXT)`,
    "CREATE INDEX rtc_rooms_by_owner ON rtc_rooms (tenant_id, key_id, id)",
    "CREATE INDEX rtc_rooms_by_end ON rtc_rooms (ended_at)",
    `CREATE TABLE rtc_members (${ID}, room_id TEXT, session_id TEXT, name TEXT, joined_at TEXT, left_at TEXT)`,
    "CREATE INDEX rtc_members_by_room ON rtc_members (room_id, id)",
    "CREATE INDEX rtc_members_by_end ON rtc_members (left_at)",
    "CREATE INDEX rtc_secrets_by_digest ON rtc_secrets (digest)",
    "CREATE INDEX rtc_secrets_by_expiry ON rtc_secrets (expires_at)",
    "CREATE INDEX rtc_secrets_by_owner ON rtc_secrets (tenant_id, key_id)",
  ],
}];

/** The version of the schema that `connection` has; 0 for an empty database. */
export function schemaVersion(connection: Connection): number {
  const found = connection.all({ sql: "SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'", args: [] });
  if (found.length === 0) return 0;
  const [row] = connection.all({ sql: "SELECT MAX(version) AS version FROM schema_versions", args: [] });
  return Number(row?.version ?? 0);
}

/** Applies what is missing and returns it. A database newer than `migrations` is refused. */
export function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): Migration[] {
  const known = migrations.at(-1)?.version ?? 0;
  const version = schemaVersion(connection);
  if (version > known) {
    throw new AppError(
      "ConfigurationError",
      `Cannot open the database: its schema is version ${version}, this program knows versions up to ${known}`,
      { details: { current: version, wanted: known } },
    );
  }
  const missing = migrations.filter((migration) => migration.version > version);
  return missing.filter((migration) => apply(connection, migration));
}

function apply(connection: Connection, { version, name, statements }: Migration): boolean {
  connection.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been first.
    const needed = schemaVersion(connection) < version;
    if (needed) {
      connection.exec(
        "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT, applied_at TEXT)",
      );
      for (const statement of statements) connection.exec(statement);
      connection.run({
        sql: "INSERT INTO schema_versions (version, name, applied_at) VALUES (?, ?, ?)",
        args: [version, name, new Date().toISOString()],
      });
    }
    connection.exec("COMMIT");
    return needed;
  } catch (error) {
    connection.rollback();
    throw error;
  }
}
