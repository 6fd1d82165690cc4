import { describe, expect, test } from 'vitest'
import { canonicalText } from '#engine/canonicalJson.ts'
import { prepareArchitecture } from '#engine/models/compile/compile.ts'
import { parsePythonJson } from '#engine/models/sources/configJson.ts'

/** The fields that config.json of well-known repositories have, as their owners wrote them. */
const PUBLISHED: Readonly<Record<string, { json: string; context: number | null; state: readonly number[] }>> = {
  gpt2: {
    json: `{"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
      "initializer_range":0.02,"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,
      "summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,
      "task_specific_params":{"text-generation":{"do_sample":true,"max_length":50}},"vocab_size":50257}`,
    context: 1024,
    state: [12, 12, 64],
  },
  distilgpt2: {
    json: `{"_num_labels":1,"is_decoder":false,"is_encoder_decoder":false,"pruned_heads":{},"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,
      "id2label":{"0":"LABEL_0"},"initializer_range":0.02,"label2id":{"LABEL_0":0},"layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,
      "n_layer":6,"n_positions":1024,"resid_pdrop":0.1,"summary_activation":null,"vocab_size":50257}`,
    context: 1024,
    state: [6, 12, 64],
  },
  'SmolLM2-135M-Instruct': {
    json: `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,
      "initializer_range":0.041666666666666664,"intermediate_size":1536,"is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama",
      "num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,"pad_token_id":2,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_interleaved":false,
      "rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}},
      "transformers_version":"4.42.3","use_cache":true,"vocab_size":49152}`,
    context: 8192,
    state: [30, 3, 64],
  },
  'Llama-3.2-1B': {
    json: `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,"eos_token_id":[128001,128008,128009],"head_dim":64,
      "hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"llama",
      "num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,
      "low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
      "transformers_version":"4.45.0.dev0","use_cache":true,"vocab_size":128256}`,
    context: 131072,
    state: [16, 8, 64],
  },
  'TinyLlama-1.1B-Chat-v1.0': {
    json: `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,
      "intermediate_size":5632,"max_position_embeddings":2048,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":22,"num_key_value_heads":4,"pretraining_tp":1,
      "rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.35.0","use_cache":true,"vocab_size":32000}`,
    context: 2048,
    state: [22, 4, 64],
  },
  'Mistral-7B-v0.1': {
    json: `{"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,
      "max_position_embeddings":32768,"model_type":"mistral","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,
      "sliding_window":4096,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.34.0.dev0","use_cache":true,"vocab_size":32000}`,
    context: 32768,
    state: [32, 8, 128],
  },
  'Qwen2.5-0.5B-Instruct': {
    json: `{"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,"hidden_act":"silu","hidden_size":896,"initializer_range":0.02,
      "intermediate_size":4864,"max_position_embeddings":32768,"max_window_layers":21,"model_type":"qwen2","num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,
      "rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.43.1","use_cache":true,
      "use_sliding_window":false,"vocab_size":151936}`,
    context: 32768,
    state: [24, 2, 64],
  },
  'DeepSeek-R1-Distill-Qwen-1.5B': {
    json: `{"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151643,"hidden_act":"silu","hidden_size":1536,"initializer_range":0.02,
      "intermediate_size":8960,"max_position_embeddings":131072,"max_window_layers":21,"model_type":"qwen2","num_attention_heads":12,"num_hidden_layers":28,"num_key_value_heads":2,
      "rms_norm_eps":1e-06,"rope_theta":10000,"sliding_window":4096,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.44.0","use_cache":true,
      "use_mrope":false,"use_sliding_window":false,"vocab_size":151936}`,
    context: 131072,
    state: [28, 2, 128],
  },
  'Qwen3-0.6B': {
    json: `{"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu",
      "hidden_size":1024,"initializer_range":0.02,"intermediate_size":3072,"max_position_embeddings":40960,"max_window_layers":28,"model_type":"qwen3","num_attention_heads":16,
      "num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,
      "torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}`,
    context: 40960,
    state: [28, 8, 128],
  },
  'mamba-130m-hf': {
    json: `{"architectures":["MambaForCausalLM"],"bos_token_id":0,"conv_kernel":4,"d_inner":1536,"d_model":768,"eos_token_id":0,"expand":2,"fused_add_norm":true,"hidden_act":"silu",
      "hidden_size":768,"initializer_range":0.1,"intermediate_size":1536,"layer_norm_epsilon":1e-05,"model_type":"mamba","n_layer":24,"num_hidden_layers":24,"pad_token_id":0,
      "pad_vocab_size_multiple":8,"rescale_prenorm_residual":false,"residual_in_fp32":true,"rms_norm":true,"ssm_cfg":{},"state_size":16,"time_step_floor":0.0001,
      "time_step_init_scheme":"random","time_step_max":0.1,"time_step_min":0.001,"time_step_rank":48,"time_step_scale":1.0,"torch_dtype":"float32","transformers_version":"4.39.0.dev0",
      "use_bias":false,"use_cache":true,"use_conv_bias":true,"vocab_size":50280}`,
    context: null,
    state: [24, 1536, 16],
  },
  'mamba2-130m-hf': {
    json: `{"architectures":["Mamba2ForCausalLM"],"bos_token_id":0,"chunk_size":256,"conv_kernel":4,"eos_token_id":0,"expand":2,"head_dim":64,"hidden_act":"silu","hidden_size":768,
      "initializer_range":0.1,"layer_norm_epsilon":1e-05,"model_type":"mamba2","n_groups":1,"norm_before_gate":true,"num_heads":24,"num_hidden_layers":24,"pad_token_id":0,
      "rescale_prenorm_residual":false,"residual_in_fp32":true,"rms_norm":true,"state_size":128,"tie_word_embeddings":true,"time_step_floor":0.0001,"time_step_limit":[0.0,Infinity],
      "time_step_max":0.1,"time_step_min":0.001,"time_step_rank":48,"torch_dtype":"float32","transformers_version":"4.44.0","use_bias":false,"use_cache":true,"use_conv_bias":true,"vocab_size":50288}`,
    context: null,
    state: [24, 24, 64, 128],
  },
}

describe('configurations of published checkpoints are understood', () => {
  test.each(Object.entries(PUBLISHED))('%s', (_name, { json, context, state }) => {
    const layers = prepareArchitecture(parsePythonJson(new TextEncoder().encode(json)))
    expect(layers.contextLength).toBe(context)
    expect(JSON.parse(canonicalText(layers.config))).toEqual(layers.config)
    const { geometry } = layers
    if (geometry.kind === 'kv') expect([geometry.layers, geometry.kvHeads, geometry.headDim]).toEqual(state)
    else expect(geometry.kind === 'ssm' ? [geometry.layers, ...geometry.ssm] : []).toEqual(state)
  })

  test('Python literals are read outside strings only', () => {
    const text = '{"a": Infinity, "b": [-Infinity, NaN], "c": "Infinity \\" NaN", "d": {"__float__": "-Infinity"}}'
    expect(parsePythonJson(new TextEncoder().encode(text))).toEqual({
      a: Number.POSITIVE_INFINITY,
      b: [Number.NEGATIVE_INFINITY, Number.NaN],
      c: 'Infinity " NaN',
      d: Number.NEGATIVE_INFINITY,
    })
  })
})
