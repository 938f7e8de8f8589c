PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, recipe TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
INSERT INTO runs VALUES(1,'old','{"name":"old","description":"","seed":1,"prompt_template":"short","dtype":"float32","cache_dtype":"float32","models":{"m":{"model_type":"qwen3","vocab_size":264,"hidden_size":16,"num_hidden_layers":1,"intermediate_size":16,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":null,"attention_bias":false,"max_position_embeddings":1024,"rope_theta":10000.0,"rope_scaling":{"type":"default","factor":1.0,"original_max_position_embeddings":4096,"beta_fast":32.0,"beta_slow":1.0,"mscale":1.0,"mscale_all_dim":0.0},"rms_norm_eps":1e-06,"initializer_range":0.02,"tie_word_embeddings":false,"bos_token_id":null,"eos_token_id":null,"pad_token_id":null}},"stages":[{"name":"sft","type":"sft","model":"m","start_from":"","reward":[{"verifier":"math","weight":1.0,"options":{"extraction":"announced"}}],"problems":{"file":"","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","limit":0},"generator":{"families":["addition:1"],"weights":[],"count":4,"seed":0,"distinct":true},"split":"train"},"reasoning_share":1.0,"learn_prompt":false,"until":{"every":0,"problems":{"file":"","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","limit":0},"generator":{"families":["multiplication"],"weights":[],"count":1000,"seed":0,"distinct":true},"split":"train"},"samples":1,"decay_reasoning_accuracy":0.3,"min_reasoning_accuracy":0.95,"sampling":{"temperature":1.0,"top_k":0,"top_p":1.0,"min_p":0.0,"max_completion_length":256,"stop":[]}},"steps":2,"num_train_epochs":0.0,"batch_size":64,"micro_batch_tokens":8192,"logging_steps":1,"decay_steps":0,"save_steps":1,"max_tera_operations":0.0,"learning_rate":0.002,"adam_beta1":0.9,"adam_beta2":0.95,"adam_epsilon":1e-08,"weight_decay":0.1,"max_grad_norm":1.0,"lr_scheduler_type":"constant","warmup_steps":100,"min_lr_ratio":0.0,"router_bias_update_speed":0.001,"seq_aux_loss_alpha":0.0,"aux_loss_alpha":0.0},{"name":"grpo","type":"grpo","model":"m","start_from":"","reward":[{"verifier":"math","weight":1.0,"options":{"extraction":"announced"}}],"problems":{"file":"","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","limit":0},"generator":{"families":["addition:1"],"weights":[],"count":4,"seed":0,"distinct":true},"split":"train"},"steps":2,"prompts_per_step":1,"num_generations":2,"num_iterations":1,"minibatches":1,"ref_model_sync_steps":0,"micro_batch_tokens":8192,"shuffle_advantages":false,"save_steps":1,"rollout_dtype":null,"importance_sampling_correction":true,"importance_sampling_mode":"sequence_mask","importance_sampling_clip_max":3.0,"importance_sampling_clip_min":null,"max_tera_operations":0.0,"scale_rewards":"group","loss_type":"dapo","epsilon":0.2,"epsilon_high":null,"beta":0.0,"kl_estimator":"k3","mask_truncated_completions":false,"entropy_coef":0.0,"temperature":1.0,"top_k":0,"top_p":1.0,"min_p":0.0,"max_completion_length":4,"stop":[],"learning_rate":0.0001,"adam_beta1":0.9,"adam_beta2":0.95,"adam_epsilon":1e-08,"weight_decay":0.0,"max_grad_norm":1.0,"lr_scheduler_type":"constant","warmup_steps":5,"min_lr_ratio":0.0,"router_bias_update_speed":0.0,"seq_aux_loss_alpha":0.0,"aux_loss_alpha":0.0},{"name":"collect","type":"collect","model":"m","start_from":"","reward":[{"verifier":"code","weight":1.0,"options":{}}],"problems":{"file":"","columns":{"prompt_column":"","answer_column":"","solution_column":"","id_column":"","limit":0},"generator":{"families":["addition:1"],"weights":[],"count":2,"seed":0,"distinct":true},"split":"train"},"samples":1,"prompts_per_step":256,"revision":false,"temperature":1.0,"top_k":0,"top_p":1.0,"min_p":0.0,"max_completion_length":4,"stop":[]}]}','2026-11-29 00:00:00');
CREATE TABLE steps(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
INSERT INTO steps VALUES(1,0,0,'sft');
INSERT INTO steps VALUES(1,0,1,'sft');
INSERT INTO steps VALUES(1,1,0,'grpo');
INSERT INTO steps VALUES(1,1,1,'grpo');
INSERT INTO steps VALUES(1,2,0,'collect');
CREATE TABLE metrics(run INTEGER NOT NULL, stage_index INTEGER NOT NULL, step INTEGER NOT NULL,
  name TEXT NOT NULL, value REAL, PRIMARY KEY(run, stage_index, step, name),
  FOREIGN KEY(run, stage_index, step) REFERENCES steps ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO metrics VALUES(1,0,0,'grad_norm',1.2307590619824124722);
INSERT INTO metrics VALUES(1,0,0,'learning_rate',0.0);
INSERT INTO metrics VALUES(1,0,0,'loss',5.5807059244676073817);
INSERT INTO metrics VALUES(1,0,0,'num_tokens',960.0);
INSERT INTO metrics VALUES(1,0,0,'operations',33592320.0);
INSERT INTO metrics VALUES(1,0,0,'step_time',0.02141339399999999879);
INSERT INTO metrics VALUES(1,0,1,'grad_norm',1.2307590223818021257);
INSERT INTO metrics VALUES(1,0,1,'learning_rate',2.0000000000000001634e-05);
INSERT INTO metrics VALUES(1,0,1,'loss',5.5807059244676073817);
INSERT INTO metrics VALUES(1,0,1,'num_tokens',1920.0);
INSERT INTO metrics VALUES(1,0,1,'operations',67184640.0);
INSERT INTO metrics VALUES(1,0,1,'step_time',0.0021246229999999999629);
INSERT INTO metrics VALUES(1,1,0,'accuracy',0.0);
INSERT INTO metrics VALUES(1,1,0,'approx_kl',0.0);
INSERT INTO metrics VALUES(1,1,0,'clip_ratio/high_mean',0.0);
INSERT INTO metrics VALUES(1,1,0,'clip_ratio/low_mean',0.0);
INSERT INTO metrics VALUES(1,1,0,'clip_ratio/region_mean',0.0);
INSERT INTO metrics VALUES(1,1,0,'completions/clipped_ratio',0.5);
INSERT INTO metrics VALUES(1,1,0,'completions/max_length',4.0);
INSERT INTO metrics VALUES(1,1,0,'completions/mean_length',2.5);
INSERT INTO metrics VALUES(1,1,0,'completions/min_length',1.0);
INSERT INTO metrics VALUES(1,1,0,'entropy',5.5726223945617672228);
INSERT INTO metrics VALUES(1,1,0,'frac_reward_zero_std',1.0);
INSERT INTO metrics VALUES(1,1,0,'grad_norm',0.0);
INSERT INTO metrics VALUES(1,1,0,'learning_rate',0.0);
INSERT INTO metrics VALUES(1,1,0,'loss',0.0);
INSERT INTO metrics VALUES(1,1,0,'num_tokens',13.0);
INSERT INTO metrics VALUES(1,1,0,'operations',279936.0);
INSERT INTO metrics VALUES(1,1,0,'reasoning/accuracy',0.0);
INSERT INTO metrics VALUES(1,1,0,'reasoning/direct_accuracy',0.0);
INSERT INTO metrics VALUES(1,1,0,'reasoning/share',0.0);
INSERT INTO metrics VALUES(1,1,0,'reward',0.0);
INSERT INTO metrics VALUES(1,1,0,'reward_std',0.0);
INSERT INTO metrics VALUES(1,1,0,'rewards/math/mean',0.0);
INSERT INTO metrics VALUES(1,1,0,'rewards/math/no-answer',2.0);
INSERT INTO metrics VALUES(1,1,0,'rewards/unjudged',0.0);
INSERT INTO metrics VALUES(1,1,0,'sampling/sampling_logp_difference/max',0.0);
INSERT INTO metrics VALUES(1,1,0,'sampling/sampling_logp_difference/mean',0.0);
INSERT INTO metrics VALUES(1,1,0,'sampling_operations',116640.0);
INSERT INTO metrics VALUES(1,1,0,'step_time',0.0041965240000000000875);
INSERT INTO metrics VALUES(1,1,0,'step_time/judge',9.3675000000000000124e-05);
INSERT INTO metrics VALUES(1,1,0,'step_time/update',0.00018108600000000000737);
INSERT INTO metrics VALUES(1,1,1,'accuracy',0.0);
INSERT INTO metrics VALUES(1,1,1,'approx_kl',0.0);
INSERT INTO metrics VALUES(1,1,1,'clip_ratio/high_mean',0.0);
INSERT INTO metrics VALUES(1,1,1,'clip_ratio/low_mean',0.0);
INSERT INTO metrics VALUES(1,1,1,'clip_ratio/region_mean',0.0);
INSERT INTO metrics VALUES(1,1,1,'completions/clipped_ratio',1.0);
INSERT INTO metrics VALUES(1,1,1,'completions/max_length',4.0);
INSERT INTO metrics VALUES(1,1,1,'completions/mean_length',4.0);
INSERT INTO metrics VALUES(1,1,1,'completions/min_length',4.0);
INSERT INTO metrics VALUES(1,1,1,'entropy',5.5727509856224060058);
INSERT INTO metrics VALUES(1,1,1,'frac_reward_zero_std',1.0);
INSERT INTO metrics VALUES(1,1,1,'grad_norm',0.0);
INSERT INTO metrics VALUES(1,1,1,'learning_rate',2.0000000000000001634e-05);
INSERT INTO metrics VALUES(1,1,1,'loss',0.0);
INSERT INTO metrics VALUES(1,1,1,'num_tokens',32.0);
INSERT INTO metrics VALUES(1,1,1,'operations',664848.0);
INSERT INTO metrics VALUES(1,1,1,'reasoning/accuracy',0.0);
INSERT INTO metrics VALUES(1,1,1,'reasoning/direct_accuracy',0.0);
INSERT INTO metrics VALUES(1,1,1,'reasoning/share',0.0);
INSERT INTO metrics VALUES(1,1,1,'reward',0.0);
INSERT INTO metrics VALUES(1,1,1,'reward_std',0.0);
INSERT INTO metrics VALUES(1,1,1,'rewards/math/mean',0.0);
INSERT INTO metrics VALUES(1,1,1,'rewards/math/no-answer',2.0);
INSERT INTO metrics VALUES(1,1,1,'rewards/unjudged',0.0);
INSERT INTO metrics VALUES(1,1,1,'sampling/sampling_logp_difference/max',0.0);
INSERT INTO metrics VALUES(1,1,1,'sampling/sampling_logp_difference/mean',0.0);
INSERT INTO metrics VALUES(1,1,1,'sampling_operations',268272.0);
INSERT INTO metrics VALUES(1,1,1,'step_time',0.010714390000000000718);
INSERT INTO metrics VALUES(1,1,1,'step_time/judge',0.0020492900000000000525);
INSERT INTO metrics VALUES(1,1,1,'step_time/update',0.00018960700000000000253);
INSERT INTO metrics VALUES(1,2,0,'accuracy',0.0);
INSERT INTO metrics VALUES(1,2,0,'accuracy/addition',0.0);
INSERT INTO metrics VALUES(1,2,0,'completions/clipped_ratio',1.0);
INSERT INTO metrics VALUES(1,2,0,'completions/mean_length',4.0);
INSERT INTO metrics VALUES(1,2,0,'reasoning/accuracy',0.0);
INSERT INTO metrics VALUES(1,2,0,'reasoning/direct_accuracy',0.0);
INSERT INTO metrics VALUES(1,2,0,'reasoning/share',0.0);
INSERT INTO metrics VALUES(1,2,0,'rewards/code/no-tests',2.0);
CREATE TABLE problems(id INTEGER PRIMARY KEY, fingerprint INTEGER NOT NULL UNIQUE,
  problem_id TEXT NOT NULL, family TEXT NOT NULL, prompt TEXT NOT NULL, answer TEXT NOT NULL,
  solution TEXT NOT NULL, canonical TEXT NOT NULL, difficulty INTEGER NOT NULL, extra TEXT NOT NULL);
INSERT INTO problems VALUES(1,7214373591488476875,'addition-1-0-000001','addition','8+1','9','8+1=9','addition:1+8',1,'{}');
INSERT INTO problems VALUES(2,8027279205370942646,'addition-1-0-000000','addition','8+4','12','8+4=12','addition:4+8',1,'{}');
CREATE TABLE checkpoints(run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL,
  step INTEGER NOT NULL, stage TEXT NOT NULL, path TEXT NOT NULL,
  PRIMARY KEY(run, stage_index, step)) WITHOUT ROWID;
INSERT INTO checkpoints VALUES(1,0,1,'sft','checkpoint-1');
INSERT INTO checkpoints VALUES(1,0,2,'sft','checkpoint-2');
INSERT INTO checkpoints VALUES(1,1,1,'grpo','checkpoint-3');
INSERT INTO checkpoints VALUES(1,1,2,'grpo','checkpoint-4');
CREATE TABLE selections(id INTEGER PRIMARY KEY, filter TEXT NOT NULL, ids TEXT NOT NULL,
  hash TEXT NOT NULL, created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE groups(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL, step INTEGER NOT NULL, problem INTEGER NOT NULL REFERENCES problems(id), prompt_ids BLOB NOT NULL);
INSERT INTO "groups" VALUES(1,1,1,0,1,X'06010000380000002b0000003100000007010000');
INSERT INTO "groups" VALUES(2,1,1,1,2,X'06010000380000002b0000003400000007010000');
INSERT INTO "groups" VALUES(3,1,2,0,2,X'06010000380000002b0000003400000007010000');
INSERT INTO "groups" VALUES(4,1,2,0,1,X'06010000380000002b0000003100000007010000');
CREATE TABLE completions(id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES groups(id) ON DELETE CASCADE, run INTEGER NOT NULL, stage_index INTEGER NOT NULL, stage TEXT NOT NULL, step INTEGER NOT NULL, sample INTEGER NOT NULL, token_ids BLOB NOT NULL, logprobs BLOB NOT NULL, experts BLOB NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, length INTEGER NOT NULL, reward REAL, advantage REAL, policy_version INTEGER NOT NULL);
INSERT INTO completions VALUES(1,1,1,1,'grpo',0,0,X'60000000b5000000530000001a000000',X'8698abc0e9e6b2c04eb7b3c058a9acc0',X'','`µS','length',4,0.0,0.0,0);
INSERT INTO completions VALUES(2,1,1,1,'grpo',0,1,X'00010000',X'5acab2c0',X'','<|end|>','stop',1,0.0,0.0,0);
INSERT INTO completions VALUES(3,2,1,1,'grpo',1,0,X'08000000940000003400000035000000',X'9010b0c0cb5fb7c0debbafc0054eb4c0',X'','î45','length',4,0.0,0.0,1);
INSERT INTO completions VALUES(4,2,1,1,'grpo',1,1,X'5b000000a50000001a000000e6000000',X'45cab0c033e5b2c0c15fb3c0c9a0afc0',X'','[•Ê','length',4,0.0,0.0,1);
INSERT INTO completions VALUES(5,3,1,2,'collect',0,0,X'f500000038000000e5000000e0000000',X'c46faec08134b3c075c4b1c03b71b2c0',X'','ı8Â‡','length',4,0.0,0.0,0);
INSERT INTO completions VALUES(6,4,1,2,'collect',0,0,X'a6000000de0000005d00000020000000',X'3421b3c05e93b3c0292bb0c00751b5c0',X'','¶ﬁ] ','length',4,0.0,0.0,0);
CREATE TABLE verdicts(completion INTEGER NOT NULL REFERENCES completions(id) ON DELETE CASCADE, position INTEGER NOT NULL, verifier TEXT NOT NULL, status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL, PRIMARY KEY(completion, position)) WITHOUT ROWID;
INSERT INTO verdicts VALUES(1,0,'math','wrong',0.0,'no-answer','');
INSERT INTO verdicts VALUES(2,0,'math','wrong',0.0,'no-answer','');
INSERT INTO verdicts VALUES(3,0,'math','wrong',0.0,'no-answer','');
INSERT INTO verdicts VALUES(4,0,'math','wrong',0.0,'no-answer','');
INSERT INTO verdicts VALUES(5,0,'code','unjudged',0.0,'no-tests: the problem has no tests; expected a column ''tests'', ''test'' or ''test_list''.','');
INSERT INTO verdicts VALUES(6,0,'code','unjudged',0.0,'no-tests: the problem has no tests; expected a column ''tests'', ''test'' or ''test_list''.','');
CREATE TABLE replay_groups(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), stage_index INTEGER NOT NULL, step INTEGER NOT NULL, problem INTEGER NOT NULL REFERENCES problems(id), prompt_ids BLOB NOT NULL);
CREATE TABLE replay_completions(id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES replay_groups(id) ON DELETE CASCADE, run INTEGER NOT NULL, stage_index INTEGER NOT NULL, stage TEXT NOT NULL, step INTEGER NOT NULL, sample INTEGER NOT NULL, token_ids BLOB NOT NULL, logprobs BLOB NOT NULL, experts BLOB NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL, length INTEGER NOT NULL, reward REAL, advantage REAL, policy_version INTEGER NOT NULL);
CREATE TABLE replay_verdicts(completion INTEGER NOT NULL REFERENCES replay_completions(id) ON DELETE CASCADE, position INTEGER NOT NULL, verifier TEXT NOT NULL, status TEXT NOT NULL, score REAL, reason TEXT NOT NULL, extracted TEXT NOT NULL, PRIMARY KEY(completion, position)) WITHOUT ROWID;
CREATE INDEX groups_place ON groups(run, stage_index, step);
CREATE INDEX completions_group ON completions(group_id);
CREATE INDEX completions_place ON completions(run, stage_index, step);
CREATE INDEX replay_groups_place ON replay_groups(run, stage_index, step);
CREATE INDEX replay_completions_group ON replay_completions(group_id);
CREATE INDEX replay_completions_place ON replay_completions(run, stage_index, step);
CREATE VIEW traces AS SELECT c.id, r.name AS run, c.stage_index, c.stage, c.step, c.group_id,
  g.problem, p.problem_id, p.family, p.difficulty, p.prompt, p.answer, p.canonical, c.sample, c.text,
  c.finish, c.finish IN ('stop', 'stop_string') AS finished, c.length, c.reward, c.advantage,
  c.policy_version,
  (SELECT min(v.status = 'right') FROM verdicts v WHERE v.completion = c.id) AS correct
  FROM completions c JOIN groups g ON g.id = c.group_id JOIN problems p ON p.id = g.problem
  JOIN runs r ON r.id = c.run;
CREATE VIEW curves AS SELECT r.name AS run, m.stage_index, s.stage, m.step, m.name, m.value
  FROM metrics m JOIN steps s ON s.run = m.run AND s.stage_index = m.stage_index AND s.step = m.step
  JOIN runs r ON r.id = m.run;
COMMIT;
