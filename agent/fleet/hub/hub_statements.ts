/** The statements of HubWriter, prepared once. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

export function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    hasName: prepare("SELECT 1 FROM agent_names WHERE kind = ? AND name = ? LIMIT 1"),
    hasLogIn: prepare("SELECT 1 FROM log_ins WHERE orig_h = ? AND resp_h = ? AND port = ?"),
    addLogIn: prepare(
      `INSERT INTO log_ins(orig_h, resp_h, port, last_us, agent) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_us = max(last_us, excluded.last_us)`,
    ),
    stored: prepare(
      `SELECT (SELECT value FROM meta WHERE key = 'flows_rows') AS flows,
         (SELECT min(end_us) FROM flows) AS us`,
    ),
    since: prepare("SELECT min(ts_us) AS us FROM agent_sums WHERE span_us = ?"),
    letter: prepare(
      `SELECT dead_letters.id AS id, token, body FROM dead_letters JOIN agents ON agents.id = agent
       WHERE dead_letters.id > ? AND dead_letters.version <= ? AND body IS NOT NULL
       ORDER BY dead_letters.id LIMIT 1`,
    ),
    dropLetter: prepare("DELETE FROM dead_letters WHERE id = ?"),
    agents: prepare("SELECT id, token, name, site, last_seen_us, skew_us FROM agents"),
    rename: prepare("UPDATE agents SET name = ? WHERE token = ? AND name <> ?"),
    findAgent: prepare("SELECT id FROM agents WHERE token = ?"),
    newAgent: prepare(
      `INSERT INTO agents(token, name, site, version, epoch, url, first_seen_us, last_seen_us, skew_us, health, flows, findings, batches)
       VALUES (?, ?, '', '', '', '', ?, ?, NULL, '{}', 0, 0, 0) RETURNING id`,
    ),
    seen: prepare("UPDATE agents SET last_seen_us = max(last_seen_us, ?) WHERE id = ?"),
    health: prepare(
      "UPDATE agents SET name = ?, site = ?, version = ?, epoch = ?, url = ?, skew_us = ?, health = ? WHERE id = ?",
    ),
    count: prepare(
      "UPDATE agents SET flows = flows + ?, findings = findings + ?, batches = batches + 1 WHERE id = ?",
    ),
    findFinding: prepare(
      "SELECT id FROM agent_findings WHERE agent = ? AND epoch = ? AND finding_id = ?",
    ),
    nameFinding: prepare(
      "INSERT INTO agent_findings(agent, epoch, finding_id, id) VALUES (?, ?, ?, ?)",
    ),
    seenBy: prepare("INSERT OR IGNORE INTO finding_agents(finding_id, agent) VALUES (?, ?)"),
    ofScan: prepare("UPDATE scans SET agent = ? WHERE id = ?"),
    ofAnomaly: prepare("UPDATE anomalies SET agent = ? WHERE id = ?"),
    putIncident: prepare(
      "INSERT OR REPLACE INTO agent_incidents(agent, epoch, incident_id, incident, last_us) VALUES (?, ?, ?, ?, ?)",
    ),
    dropIncident: prepare(
      "DELETE FROM agent_incidents WHERE agent = ? AND epoch = ? AND incident_id = ?",
    ),
    joinIncident: prepare(
      "INSERT OR REPLACE INTO agent_incident_findings(agent, epoch, finding_id, incident_id) VALUES (?, ?, ?, ?)",
    ),
    agentsOf: prepare(
      `SELECT DISTINCT agent FROM incident_findings JOIN finding_agents USING (finding_id)
       WHERE incident_id = ? ORDER BY agent LIMIT ?`,
    ),
    listAgents: prepare("UPDATE incidents SET agents = ? WHERE id = ?"),
    bury: prepare(
      `INSERT INTO dead_letters(received_us, agent, subject, message_id, reason, version, size, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    /** All but the newest, in rows and in bytes. */
    trimLetters: prepare(
      `DELETE FROM dead_letters WHERE id IN (SELECT id FROM (
         SELECT id, row_number() OVER newest AS place, sum(length(body)) OVER newest AS bytes
         FROM dead_letters WINDOW newest AS (ORDER BY id DESC)) WHERE place > ? OR bytes > ?)`,
    ),
    deleteSums: prepare("DELETE FROM agent_sums WHERE span_us = ? AND ts_us < ?"),
    deleteIdle: {
      hosts: prepare("DELETE FROM agent_hosts WHERE last_us < ?"),
      names: prepare("DELETE FROM agent_names WHERE last_us < ?"),
      logIns: prepare("DELETE FROM log_ins WHERE last_us < ?"),
      incidents: prepare("DELETE FROM agent_incidents WHERE last_us < ?"),
      links: [
        `DELETE FROM agent_findings WHERE NOT EXISTS (SELECT 1 FROM scans WHERE scans.id = agent_findings.id)
           AND NOT EXISTS (SELECT 1 FROM anomalies WHERE anomalies.id = agent_findings.id)`,
        `DELETE FROM finding_agents WHERE NOT EXISTS (SELECT 1 FROM scans WHERE scans.id = finding_id)
           AND NOT EXISTS (SELECT 1 FROM anomalies WHERE anomalies.id = finding_id)`,
        `DELETE FROM agent_incident_findings WHERE NOT EXISTS (SELECT 1 FROM agent_incidents AS known
           WHERE known.agent = agent_incident_findings.agent AND known.epoch = agent_incident_findings.epoch
             AND known.incident_id = agent_incident_findings.incident_id)`,
      ].map(prepare),
    },
  };
}
