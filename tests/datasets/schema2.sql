PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE checkpoints(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, path TEXT NOT NULL, model TEXT NOT NULL DEFAULT '', kept INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
CREATE TABLE completions(id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES groups(id) ON DELETE CASCADE, run INTEGER NOT NULL, stage_index INTEGER NOT NULL, stage TEXT NOT NULL, step INTEGER NOT NULL, sample INTEGER NOT NULL, token_ids BLOB NOT NULL, logprobs BLOB NOT NULL, experts BLOB NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, length INTEGER NOT NULL, reward REAL, advantage REAL, policy_version INTEGER NOT NULL, text_bytes BLOB);
INSERT INTO "completions" VALUES(1,1,1,0,'gather',0,0,X'BC0000008200000064000000',X'A7FFAFC0BE6FB3C085F8ADC0',X'','��d','length',3,0.0,0.0,0,X'BC8264');
INSERT INTO "completions" VALUES(2,1,1,0,'gather',0,1,X'2000000092000000BD000000',X'F03FB0C0AD64B3C046D6B4C0',X'',' ��','length',3,0.0,0.0,0,X'2092BD');
INSERT INTO "completions" VALUES(3,2,1,0,'gather/revision',0,0,X'710000004600000067000000',X'0402B1C0D461B3C0F06BB0C0',X'','qFg','length',3,0.0,0.0,0,NULL);
INSERT INTO "completions" VALUES(4,3,1,0,'gather/revision',0,1,X'090000001300000002000000',X'2231ADC05716B4C04957B2C0',X'','	','length',3,0.0,0.0,0,NULL);
INSERT INTO "completions" VALUES(5,4,1,0,'gather',1,0,X'0B0000009B00000094000000',X'F257B1C043F0B0C0D0A3B0C0',X'','��','length',3,0.0,0.0,0,X'0B9B94');
INSERT INTO "completions" VALUES(6,4,1,0,'gather',1,1,X'B80000009900000044000000',X'886BB2C0EA0CB3C0A870B4C0',X'','��D','length',3,0.0,0.0,0,X'B89944');
INSERT INTO "completions" VALUES(7,5,1,0,'gather/revision',1,0,X'0B000000D000000009000000',X'5F68B1C0EBABB1C0F7D4AFC0',X'','�	','length',3,0.0,0.0,0,X'0BD009');
INSERT INTO "completions" VALUES(8,6,1,0,'gather/revision',1,1,X'2F0000005400000067000000',X'D6ABB3C0C1CEAFC07340B0C0',X'','/Tg','length',3,0.0,0.0,0,NULL);
CREATE TABLE groups(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL, step INTEGER NOT NULL, problem INTEGER NOT NULL REFERENCES problems(id), prompt_ids BLOB NOT NULL);
INSERT INTO "groups" VALUES(1,1,0,0,1,X'06010000310000002B0000003100000007010000');
INSERT INTO "groups" VALUES(2,1,0,0,2,X'06010000310000002B0000003100000007010000BC00000082000000640000000001000006010000EF000000BF000000BD000000EF000000BF000000BD000000640000002000000069000000730000002000000077000000720000006F0000006E000000670000002E0000002000000054000000720000007900000020000000610000006700000061000000690000006E0000002C000000200000007700000069000000740000006800000020000000610000006E0000006F0000007400000068000000650000007200000020000000610000006E000000730000007700000065000000720000002E00000007010000');
INSERT INTO "groups" VALUES(3,1,0,0,3,X'06010000310000002B00000031000000070100002000000092000000BD0000000001000006010000EF000000BF000000BD000000EF000000BF000000BD0000002000000069000000730000002000000077000000720000006F0000006E000000670000002E0000002000000054000000720000007900000020000000610000006700000061000000690000006E0000002C000000200000007700000069000000740000006800000020000000610000006E0000006F0000007400000068000000650000007200000020000000610000006E000000730000007700000065000000720000002E00000007010000');
INSERT INTO "groups" VALUES(4,1,0,1,4,X'06010000320000002B0000003200000007010000');
INSERT INTO "groups" VALUES(5,1,0,1,5,X'06010000320000002B00000032000000070100000B0000009B000000940000000001000006010000EF000000BF000000BD000000EF000000BF000000BD0000002000000069000000730000002000000077000000720000006F0000006E000000670000002E0000002000000054000000720000007900000020000000610000006700000061000000690000006E0000002C000000200000007700000069000000740000006800000020000000610000006E0000006F0000007400000068000000650000007200000020000000610000006E000000730000007700000065000000720000002E00000007010000');
INSERT INTO "groups" VALUES(6,1,0,1,6,X'06010000320000002B0000003200000007010000B800000099000000440000000001000006010000EF000000BF000000BD000000EF000000BF000000BD000000440000002000000069000000730000002000000077000000720000006F0000006E000000670000002E0000002000000054000000720000007900000020000000610000006700000061000000690000006E0000002C000000200000007700000069000000740000006800000020000000610000006E0000006F0000007400000068000000650000007200000020000000610000006E000000730000007700000065000000720000002E00000007010000');
CREATE TABLE inputs(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  path TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(run, stage_index, path)) WITHOUT ROWID;
INSERT INTO "inputs" VALUES(1,0,'p.jsonl','48ee6adc083e2cbf');
CREATE TABLE layer_rewards(layer INTEGER NOT NULL REFERENCES layers(id), completion INTEGER NOT NULL,
  reward REAL, advantage REAL, PRIMARY KEY(layer, completion)) WITHOUT ROWID;
CREATE TABLE layer_verdicts(layer INTEGER NOT NULL REFERENCES layers(id),
  completion INTEGER NOT NULL, position INTEGER NOT NULL, verifier TEXT NOT NULL,
  status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL,
  PRIMARY KEY(layer, completion, position)) WITHOUT ROWID;
CREATE TABLE layers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, judges TEXT NOT NULL,
  retort TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE metrics(run INTEGER NOT NULL, stage_index INTEGER NOT NULL, step INTEGER NOT NULL,
  name TEXT NOT NULL, value REAL, PRIMARY KEY(run, stage_index, step, name),
  FOREIGN KEY(run, stage_index, step) REFERENCES steps ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO "metrics" VALUES(1,0,0,'accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'accuracy/p',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'completions/clipped_ratio',1.0);
INSERT INTO "metrics" VALUES(1,0,0,'completions/mean_length',3.0);
INSERT INTO "metrics" VALUES(1,0,0,'completions/unjudged',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'num_tokens',12.0);
INSERT INTO "metrics" VALUES(1,0,0,'reasoning/accuracy',NULL);
INSERT INTO "metrics" VALUES(1,0,0,'reasoning/direct_accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'reasoning/share',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'revision/accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'revision/count',2.0);
INSERT INTO "metrics" VALUES(1,0,0,'revision/too_long',0.0);
INSERT INTO "metrics" VALUES(1,0,0,'rewards/math/different',2.0);
INSERT INTO "metrics" VALUES(1,0,0,'sampling_operations',709376.0);
INSERT INTO "metrics" VALUES(1,0,0,'step_time',0.007597626);
INSERT INTO "metrics" VALUES(1,0,0,'unjudged_share',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'accuracy/p',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'completions/clipped_ratio',1.0);
INSERT INTO "metrics" VALUES(1,0,1,'completions/mean_length',3.0);
INSERT INTO "metrics" VALUES(1,0,1,'completions/unjudged',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'num_tokens',24.0);
INSERT INTO "metrics" VALUES(1,0,1,'reasoning/accuracy',NULL);
INSERT INTO "metrics" VALUES(1,0,1,'reasoning/direct_accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'reasoning/share',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'revision/accuracy',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'revision/count',2.0);
INSERT INTO "metrics" VALUES(1,0,1,'revision/too_long',0.0);
INSERT INTO "metrics" VALUES(1,0,1,'rewards/math/different',2.0);
INSERT INTO "metrics" VALUES(1,0,1,'sampling_operations',1418752.0);
INSERT INTO "metrics" VALUES(1,0,1,'step_time',0.001097238);
INSERT INTO "metrics" VALUES(1,0,1,'unjudged_share',0.0);
CREATE TABLE problems(id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL UNIQUE,
  problem_id TEXT NOT NULL, family TEXT NOT NULL, prompt TEXT NOT NULL, answer TEXT NOT NULL,
  solution TEXT NOT NULL, canonical TEXT NOT NULL, difficulty INTEGER NOT NULL, extra TEXT NOT NULL);
INSERT INTO "problems" VALUES(1,-8280567655370967932,'p.jsonl:1','p','1+1','2','','1+1',0,'{"level":"a"}');
INSERT INTO "problems" VALUES(2,-316452501798466174,'p.jsonl:1','p','1+1','2','','1+1',0,'{"level":"a","revision":{"prompt_tokens":5,"feedback":"qFg is wrong."}}');
INSERT INTO "problems" VALUES(3,5485606512982148059,'p.jsonl:1','p','1+1','2','','1+1',0,'{"level":"a","revision":{"prompt_tokens":5,"feedback":"There is no answer."}}');
INSERT INTO "problems" VALUES(4,7310602194610918537,'p.jsonl:2','p','2+2','4','','2+2',0,'{"level":"b"}');
INSERT INTO "problems" VALUES(5,-8412976500802955118,'p.jsonl:2','p','2+2','4','','2+2',0,'{"level":"b","revision":{"prompt_tokens":5,"feedback":"� is wrong."}}');
INSERT INTO "problems" VALUES(6,-9164100401733010231,'p.jsonl:2','p','2+2','4','','2+2',0,'{"level":"b","revision":{"prompt_tokens":5,"feedback":"/Tg is wrong."}}');
CREATE TABLE replay_completions(id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES replay_groups(id) ON DELETE CASCADE, run INTEGER NOT NULL, stage_index INTEGER NOT NULL, stage TEXT NOT NULL, step INTEGER NOT NULL, sample INTEGER NOT NULL, token_ids BLOB NOT NULL, logprobs BLOB NOT NULL, experts BLOB NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, length INTEGER NOT NULL, reward REAL, advantage REAL, policy_version INTEGER NOT NULL, text_bytes BLOB);
CREATE TABLE replay_groups(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL, step INTEGER NOT NULL, problem INTEGER NOT NULL REFERENCES problems(id), prompt_ids BLOB NOT NULL, reason TEXT NOT NULL DEFAULT 'resume');
CREATE TABLE replay_verdicts(completion INTEGER NOT NULL REFERENCES replay_completions(id) ON DELETE CASCADE, position INTEGER NOT NULL, verifier TEXT NOT NULL, status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL, PRIMARY KEY(completion, position)) WITHOUT ROWID;
CREATE TABLE revisions(run INTEGER NOT NULL REFERENCES runs(id), revision INTEGER NOT NULL,
  recipe TEXT NOT NULL, changes TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY(run, revision));
INSERT INTO "revisions" VALUES(1,0,'{"name":"old","description":"","seed":1,"prompt_template":"short","dtype":"float32","cache_dtype":"float32","models":{"m":{"model_type":"qwen3","vocab_size":264,"hidden_size":8,"num_hidden_layers":1,"intermediate_size":8,"num_attention_heads":1,"num_key_value_heads":1,"head_dim":8,"attention_bias":false,"max_position_embeddings":1024,"rope_theta":10000.0,"rope_scaling":{"type":"default","factor":1.0,"original_max_position_embeddings":4096,"beta_fast":32.0,"beta_slow":1.0,"mscale":1.0,"mscale_all_dim":0.0},"rms_norm_eps":1e-06,"initializer_range":0.02,"tie_word_embeddings":false,"bos_token_id":null,"eos_token_id":null,"pad_token_id":null}},"stages":[{"name":"gather","type":"collect","model":"m","start_from":"","reward":[{"verifier":"math","weight":1.0,"name":"math","column":"family","values":[],"options":{}}],"problems":{"file":"p.jsonl","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","turns":"error","limit":0},"generator":{"families":["multiplication"],"weights":[],"count":0,"seed":0,"distinct":true},"split_shares":[],"split":"train","max_prompt_length":null,"overlong":"error"},"samples":2,"prompts_per_step":1,"revision":true,"temperature":1.0,"top_k":0,"top_p":1.0,"min_p":0.0,"max_completion_length":3,"stop":[]}]}','[]','2026-11-30 11:19:00');
CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, recipe TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, uid TEXT);
INSERT INTO "runs" VALUES(1,'old','{"name":"old","description":"","seed":1,"prompt_template":"short","dtype":"float32","cache_dtype":"float32","models":{"m":{"model_type":"qwen3","vocab_size":264,"hidden_size":8,"num_hidden_layers":1,"intermediate_size":8,"num_attention_heads":1,"num_key_value_heads":1,"head_dim":8,"attention_bias":false,"max_position_embeddings":1024,"rope_theta":10000.0,"rope_scaling":{"type":"default","factor":1.0,"original_max_position_embeddings":4096,"beta_fast":32.0,"beta_slow":1.0,"mscale":1.0,"mscale_all_dim":0.0},"rms_norm_eps":1e-06,"initializer_range":0.02,"tie_word_embeddings":false,"bos_token_id":null,"eos_token_id":null,"pad_token_id":null}},"stages":[{"name":"gather","type":"collect","model":"m","start_from":"","reward":[{"verifier":"math","weight":1.0,"name":"math","column":"family","values":[],"options":{}}],"problems":{"file":"p.jsonl","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","turns":"error","limit":0},"generator":{"families":["multiplication"],"weights":[],"count":0,"seed":0,"distinct":true},"split_shares":[],"split":"train","max_prompt_length":null,"overlong":"error"},"samples":2,"prompts_per_step":1,"revision":true,"temperature":1.0,"top_k":0,"top_p":1.0,"min_p":0.0,"max_completion_length":3,"stop":[]}]}','2026-11-30 11:19:00','7c79f793356684ee896ab2f60ab01524');
CREATE TABLE selections(id INTEGER PRIMARY KEY, filter TEXT NOT NULL, ids TEXT NOT NULL,
  hash TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE steps(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
INSERT INTO "steps" VALUES(1,0,0,'gather');
INSERT INTO "steps" VALUES(1,0,1,'gather');
CREATE TABLE superseded_steps(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id),
  stage_index INTEGER NOT NULL, step INTEGER NOT NULL, stage TEXT NOT NULL, metrics TEXT NOT NULL,
  reason TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE verdicts(completion INTEGER NOT NULL REFERENCES completions(id) ON DELETE CASCADE, position INTEGER NOT NULL, verifier TEXT NOT NULL, status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL, PRIMARY KEY(completion, position)) WITHOUT ROWID;
INSERT INTO "verdicts" VALUES(1,0,'math','wrong',0.0,'different/number/whole','��d');
INSERT INTO "verdicts" VALUES(2,0,'math','wrong',0.0,'different/number/whole','��');
INSERT INTO "verdicts" VALUES(3,0,'math','wrong',0.0,'different/number/whole','qFg');
INSERT INTO "verdicts" VALUES(4,0,'math','wrong',0.0,'no-answer','');
INSERT INTO "verdicts" VALUES(5,0,'math','wrong',0.0,'different/number/whole','��');
INSERT INTO "verdicts" VALUES(6,0,'math','wrong',0.0,'different/number/whole','��D');
INSERT INTO "verdicts" VALUES(7,0,'math','wrong',0.0,'different/number/whole','�');
INSERT INTO "verdicts" VALUES(8,0,'math','wrong',0.0,'different/number/whole','/Tg');
CREATE INDEX groups_place ON groups(run, stage_index, step);
CREATE INDEX completions_group ON completions(group_id);
CREATE INDEX completions_place ON completions(run, stage_index, step);
CREATE INDEX replay_groups_place ON replay_groups(run, stage_index, step);
CREATE INDEX replay_completions_group ON replay_completions(group_id);
CREATE INDEX replay_completions_place ON replay_completions(run, stage_index, step);
CREATE UNIQUE INDEX runs_uid ON runs(uid);
CREATE VIEW traces AS SELECT c.id, r.name AS run, c.stage_index, c.stage, c.step, c.group_id,
  g.problem, p.problem_id, p.family, p.difficulty, p.prompt, p.answer, p.canonical, c.sample, c.text,
  c.finish, c.finish IN ('stop', 'stop_string') AS finished, c.length, c.reward, c.advantage,
  c.policy_version,
  (SELECT CASE WHEN max(v.status = 'wrong') THEN 0 WHEN min(v.status = 'right') THEN 1 END
    FROM verdicts v WHERE v.completion = c.id) AS correct
  FROM completions c JOIN groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem
  JOIN runs r ON r.id = c.run;
CREATE VIEW rescored AS SELECT l.name AS layer, t.id, t.run, t.stage_index, t.stage, t.step,
  t.group_id, t.problem, t.problem_id, t.family, t.difficulty, t.prompt, t.answer, t.canonical,
  t.sample, t.text, t.finish, t.finished, t.length, w.reward, w.advantage, t.policy_version,
  (SELECT CASE WHEN max(v.status = 'wrong') THEN 0 WHEN min(v.status = 'right') THEN 1 END
    FROM layer_verdicts v WHERE v.layer = l.id AND v.completion = t.id) AS correct,
  t.reward AS trained_reward, t.advantage AS trained_advantage, t.correct AS trained_correct
  FROM layers l JOIN layer_rewards w ON w.layer = l.id JOIN traces t ON t.id = w.completion;
CREATE VIEW curves AS SELECT r.name AS run, m.stage_index, s.stage, m.step, m.name, m.value
  FROM metrics m JOIN steps s ON s.run = m.run AND s.stage_index = m.stage_index AND s.step = m.step
  JOIN runs r ON r.id = m.run;
COMMIT;
