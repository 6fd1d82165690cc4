import { describe, expect, test } from 'vitest'
import { canonicalText } from '#engine/canonicalJson.ts'
import { kvLayersOf, ssmLayersOf } from '#engine/inference/layers.ts'
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

const FALCON_SSM = [0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738]
const factors = (value: number) => JSON.stringify(Array.from({ length: 48 }, () => value))
const repeated = (order: string, names: Readonly<Record<string, string>>) =>
  JSON.stringify([...order].map(letter => names[letter]))

/** Newer ones; `state` counts layers of attention and recurrence, and says the shape of one of each. */
const NEWER: Readonly<Record<string, { json: string; context: number; state: readonly (readonly number[])[] }>> = {
  'gemma-3-1b-it': {
    json: `{"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attn_logit_softcapping":null,"bos_token_id":2,
      "cache_implementation":"hybrid","eos_token_id":[1,106],"final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh","hidden_size":1152,
      "initializer_range":0.02,"intermediate_size":6912,"max_position_embeddings":32768,"model_type":"gemma3_text","num_attention_heads":4,"num_hidden_layers":26,
      "num_key_value_heads":1,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_local_base_freq":10000,"rope_scaling":null,"rope_theta":1000000,
      "sliding_window":512,"sliding_window_pattern":6,"torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0","use_cache":true,"vocab_size":262144}`,
    context: 32768,
    state: [[26, 1, 256]],
  },
  'gemma-3-4b-it': {
    json: `{"architectures":["Gemma3ForConditionalGeneration"],"boi_token_index":255999,"eoi_token_index":256000,"eos_token_id":[1,106],"image_token_index":262144,
      "initializer_range":0.02,"mm_tokens_per_image":256,"model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text",
      "num_hidden_layers":34,"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},"torch_dtype":"bfloat16","transformers_version":"4.50.0.dev0",
      "vision_config":{"hidden_size":1152,"image_size":896,"model_type":"siglip_vision_model","num_hidden_layers":27,"patch_size":14}}`,
    context: 131072,
    state: [[34, 4, 256]],
  },
  'Phi-3-mini-4k-instruct': {
    json: `{"_name_or_path":"Phi-3-mini-4k-instruct","architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config"},
      "bos_token_id":1,"embd_pdrop":0.0,"eos_token_id":32000,"hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":4096,
      "model_type":"phi3","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":32,"original_max_position_embeddings":4096,"pad_token_id":32000,"resid_pdrop":0.0,
      "rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,"sliding_window":2047,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.40.2",
      "use_cache":true,"vocab_size":32064}`,
    context: 4096,
    state: [[32, 32, 96]],
  },
  'Phi-4-mini-instruct': {
    json: `{"architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":199999,"embd_pdrop":0.0,"eos_token_id":199999,"full_attn_mod":1,
      "hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,"interpolate_factor":1,"lm_head_bias":false,"max_position_embeddings":131072,
      "mlp_bias":false,"model_type":"phi3","num_attention_heads":24,"num_hidden_layers":32,"num_key_value_heads":8,"original_max_position_embeddings":4096,"pad_token_id":199999,
      "partial_rotary_factor":0.75,"resid_pdrop":0.0,"rms_norm_eps":1e-05,"rope_scaling":{"long_factor":${factors(1.5)},"short_factor":${factors(1)},"type":"longrope"},
      "rope_theta":10000.0,"sliding_window":262144,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.45.0","use_cache":true,"vocab_size":200064}`,
    context: 4096,
    state: [[32, 8, 128]],
  },
  'SmolLM3-3B': {
    json: `{"architectures":["SmolLM3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":null,"eos_token_id":128012,"hidden_act":"silu","hidden_size":2048,
      "initializer_range":0.02,"intermediate_size":11008,"layer_types":${JSON.stringify(Array(36).fill('full_attention'))},"max_position_embeddings":65536,"max_window_layers":28,
      "mlp_bias":false,"model_type":"smollm3","no_rope_layer_interval":4,"no_rope_layers":${JSON.stringify(Array.from({ length: 36 }, (_, i) => ((i + 1) % 4 ? 1 : 0)))},
      "num_attention_heads":16,"num_hidden_layers":36,"num_key_value_heads":4,"pad_token_id":128004,"pretraining_tp":2,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":5000000.0,
      "sliding_window":null,"torch_dtype":"bfloat16","transformers_version":"4.54.0.dev0","use_cache":false,"use_sliding_window":false,"vocab_size":128256}`,
    context: 65536,
    state: [[36, 4, 128]],
  },
  'granite-3.3-2b-instruct': {
    json: `{"architectures":["GraniteForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attention_multiplier":0.015625,"bos_token_id":0,"embedding_multiplier":12.0,
      "eos_token_id":0,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"logits_scaling":8.0,"max_position_embeddings":131072,"mlp_bias":false,
      "model_type":"granite","num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,"pad_token_id":0,"residual_multiplier":0.22,"rms_norm_eps":1e-05,
      "rope_scaling":null,"rope_theta":10000000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.49.0","use_cache":true,"vocab_size":49159}`,
    context: 131072,
    state: [[40, 8, 64]],
  },
  'OLMo-2-0425-1B': {
    json: `{"architectures":["Olmo2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"eos_token_id":100257,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,
      "intermediate_size":8192,"max_position_embeddings":4096,"model_type":"olmo2","num_attention_heads":16,"num_hidden_layers":16,"num_key_value_heads":16,"pad_token_id":100277,
      "rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":500000,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.47.0","use_cache":false,"vocab_size":100352}`,
    context: 4096,
    state: [[16, 16, 128]],
  },
  'LFM2-350M': {
    json: `{"architectures":["Lfm2ForCausalLM"],"block_auto_adjust_ff_dim":true,"block_dim":1024,"block_ff_dim":6656,"block_ffn_dim_multiplier":1.0,"block_mlp_init_scale":1.0,
      "block_multiple_of":256,"block_norm_eps":1e-05,"block_out_init_scale":1.0,"block_use_swiglu":true,"block_use_xavier_init":true,"bos_token_id":1,"conv_L_cache":3,"conv_bias":false,
      "conv_dim":1024,"conv_dim_out":1024,"conv_use_xavier_init":true,"eos_token_id":7,"full_attn_idxs":[2,5,8,10,12,14],"hidden_size":1024,"initializer_range":0.02,
      "max_position_embeddings":128000,"model_type":"lfm2","norm_eps":1e-05,"num_attention_heads":16,"num_heads":16,"num_hidden_layers":16,"num_key_value_heads":8,"pad_token_id":0,
      "rope_theta":1000000.0,"torch_dtype":"bfloat16","transformers_version":"4.54.0.dev0","use_cache":true,"use_pos_enc":true,"vocab_size":65536}`,
    context: 128000,
    state: [
      [6, 8, 64],
      [10, 1],
    ],
  },
  'granite-4.0-h-350m': {
    json: `{"architectures":["GraniteMoeHybridForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attention_multiplier":0.015625,"bos_token_id":100257,"embedding_multiplier":12,
      "eos_token_id":100257,"hidden_act":"silu","hidden_size":768,"init_method":"mup","initializer_range":0.1,"intermediate_size":2048,
      "layer_types":${repeated('mmmmmmmmmmammammmammmmmmmmmammmm', { a: 'attention', m: 'mamba' })},"logits_scaling":3,"mamba_chunk_size":256,"mamba_conv_bias":true,"mamba_d_conv":4,
      "mamba_d_head":32,"mamba_d_state":128,"mamba_expand":2,"mamba_n_groups":1,"mamba_n_heads":48,"mamba_proj_bias":false,"max_position_embeddings":32768,
      "model_type":"granitemoehybrid","normalization_function":"rmsnorm","num_attention_heads":12,"num_experts_per_tok":0,"num_hidden_layers":32,"num_key_value_heads":4,
      "num_local_experts":0,"output_router_logits":false,"pad_token_id":100256,"position_embedding_type":"nope","residual_multiplier":0.246,"rms_norm_eps":1e-05,"rope_scaling":null,
      "rope_theta":10000,"router_aux_loss_coef":0.01,"shared_intermediate_size":2048,"tie_word_embeddings":true,"transformers_version":"4.56.0","use_cache":true,"vocab_size":100352}`,
    context: 32768,
    state: [
      [4, 4, 64],
      [28, 48, 32, 128],
    ],
  },
  'Falcon-H1-0.5B-Instruct': {
    json: `{"architectures":["FalconH1ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"attention_in_multiplier":1.0,"attention_out_multiplier":0.9375,"attn_layer_indices":null,
      "bos_token_id":1,"embedding_multiplier":5.656854249492381,"eos_token_id":11,"head_dim":64,"hidden_act":"silu","hidden_size":1024,"initializer_range":0.02,"intermediate_size":2048,
      "key_multiplier":0.390625,"lm_head_multiplier":0.0390625,"mamba_chunk_size":128,"mamba_conv_bias":true,"mamba_d_conv":4,"mamba_d_head":64,"mamba_d_ssm":1536,"mamba_d_state":128,
      "mamba_expand":2,"mamba_n_groups":1,"mamba_n_heads":24,"mamba_norm_before_gate":false,"mamba_proj_bias":false,"mamba_rms_norm":false,"mamba_use_mlp":true,
      "max_position_embeddings":16384,"mlp_bias":false,"mlp_expansion_factor":8,"mlp_multipliers":[0.8838834764831844,0.5859375],"model_type":"falcon_h1","num_attention_heads":8,
      "num_hidden_layers":36,"num_key_value_heads":2,"num_logits_to_keep":1,"pad_token_id":0,"projectors_bias":false,"rms_norm_eps":1e-05,"rope_scaling":null,
      "rope_theta":100000000000.0,"sliding_window":null,"ssm_in_multiplier":1.25,"ssm_multipliers":${JSON.stringify(FALCON_SSM)},"ssm_out_multiplier":0.23570226039551587,
      "tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.52.0","use_cache":true,"vocab_size":32784}`,
    context: 16384,
    state: [
      [36, 2, 64],
      [36, 24, 64, 128],
    ],
  },
  'Qwen3.5-0.8B': {
    json: `{"architectures":["Qwen3_5ForConditionalGeneration"],"image_token_id":248056,"model_type":"qwen3_5","text_config":{"attention_bias":false,"attention_dropout":0.0,
      "attn_output_gate":true,"dtype":"bfloat16","eos_token_id":248044,"full_attention_interval":4,"head_dim":256,"hidden_act":"silu","hidden_size":1024,"initializer_range":0.02,
      "intermediate_size":3584,"layer_types":${repeated('llla'.repeat(6), { a: 'full_attention', l: 'linear_attention' })},
      "linear_conv_kernel_dim":4,"linear_key_head_dim":128,"linear_num_key_heads":16,"linear_num_value_heads":16,"linear_value_head_dim":128,"mamba_ssm_dtype":"float32",
      "max_position_embeddings":262144,"mlp_only_layers":[],"model_type":"qwen3_5_text","mtp_num_hidden_layers":1,"mtp_use_dedicated_embeddings":false,"num_attention_heads":8,
      "num_hidden_layers":24,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_parameters":{"mrope_interleaved":true,"mrope_section":[11,11,10],"partial_rotary_factor":0.25,
      "rope_theta":10000000,"rope_type":"default"},"use_cache":true,"vocab_size":248320},"tie_word_embeddings":true,"transformers_version":"5.2.0","video_token_id":248057,
      "vision_config":{"depth":12,"model_type":"qwen3_5"},"vision_end_token_id":248054,"vision_start_token_id":248053}`,
    context: 262144,
    state: [
      [6, 2, 256],
      [18, 16, 128, 128],
    ],
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

  test.each(Object.entries(NEWER))('%s', (_name, { json, context, state }) => {
    const layers = prepareArchitecture(parsePythonJson(new TextEncoder().encode(json)))
    expect(layers.contextLength).toBe(context)
    expect(JSON.parse(canonicalText(layers.config))).toEqual(layers.config)
    const [kv, ssm] = [kvLayersOf(layers.geometry), ssmLayersOf(layers.geometry)]
    const found = [
      ...kv.slice(0, 1).map(({ kvHeads, headDim }) => [kv.length, kvHeads, headDim]),
      ...ssm.slice(0, 1).map(each => [ssm.length, ...each.ssm]),
    ]
    expect(found).toEqual(state)
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

  test('a text without an end is gone through once', () => {
    const text = `{"a": "${'\\"'.repeat(500_000)}`
    expect(() => parsePythonJson(new TextEncoder().encode(text))).toThrow('config.json is not JSON')
  })
})
