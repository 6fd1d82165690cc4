/** The conversation formats of the most used model families, in small templates of our own: one fact of each format a line. */
export interface ChatFormat {
  readonly name: string
  /** The reference tokenizer it is tried on. */
  readonly family: string
  readonly bos: string | null
  readonly eos: string
  /** Control tokens that the family adds. */
  readonly special: readonly string[]
  readonly template: string
  /** Where a document goes: into the system message, or into the first user message where the format has none. */
  readonly document: 'system' | 'user'
}

const chatml = (opening: string) =>
  `${opening}{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`
const defaultSystem = (text: string) =>
  `{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\n${text}<|im_end|>\\n' }}{% endif %}`
const CHATML = ['<|im_start|>', '<|im_end|>']
const LLAMA3 = ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>']
const alternate =
  "{% for m in loop_messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant/user/assistant') }}{% endif %}"
const splitSystem =
  "{% if messages[0].role == 'system' %}{% set loop_messages = messages[1:] %}{% set sys = messages[0].content %}{% else %}{% set loop_messages = messages %}{% set sys = '' %}{% endif %}"

export const CHAT_FORMATS: readonly ChatFormat[] = [
  // ChatML as Qwen uses it: no BOS; Qwen 2 and 2.5 write a default system turn when none is given.
  {
    name: 'ChatML',
    family: 'qwen2-style',
    bos: null,
    eos: '<|im_end|>',
    special: [],
    template: chatml(''),
    document: 'system',
  },
  {
    ...{ name: 'Qwen 2.5', family: 'qwen2-style', bos: null, eos: '<|im_end|>', special: [], document: 'system' },
    template: chatml(defaultSystem('You are Qwen, a helpful assistant.')),
  },
  // Qwen 3 leaves the thinking out of answers before the last question.
  {
    ...{ name: 'Qwen 3', family: 'qwen2-style', bos: null, eos: '<|im_end|>', special: [], document: 'system' },
    template:
      "{% set ns = namespace(last=messages|length - 1) %}{% for m in messages %}{% set content = m.content %}{% if m.role == 'assistant' and loop.index0 < ns.last and '</think>' in content %}{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}",
  },
  // SmolLM 2: ChatML whose BOS is the token that opens a turn, with a default system turn.
  {
    ...{
      name: 'SmolLM 2',
      family: 'digits-style',
      bos: '<|im_start|>',
      eos: '<|im_end|>',
      special: [],
      document: 'system',
    },
    template: chatml(defaultSystem('You are a helpful AI assistant named SmolLM.')),
  },
  // SmolLM 3: the system turn always stands, with today's date in it.
  {
    ...{ name: 'SmolLM 3', family: 'llama3-style', bos: null, eos: '<|im_end|>', special: CHATML, document: 'system' },
    template: `{{ '<|im_start|>system\\n## Metadata\\n\\nToday Date: ' + strftime_now('%d %B %Y') + '\\n\\n' }}{% if messages[0].role == 'system' %}{% set loop_messages = messages[1:] %}{{ '## Custom Instructions\\n\\n' + messages[0].content.rstrip() + '\\n\\n' }}{% else %}{% set loop_messages = messages %}{% endif %}{{ '<|im_end|>\\n' }}{% for m in loop_messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`,
  },
  // Llama 2: the system message stands within the first user turn, BOS at every turn, EOS after every answer.
  {
    ...{ name: 'Llama 2', family: 'sentencepiece-style', bos: '<s>', eos: '</s>', special: [], document: 'system' },
    template: `${splitSystem}${alternate}{% set content = m.content %}{% if loop.first and sys %}{% set content = '<<SYS>>\\n' + sys + '\\n<</SYS>>\\n\\n' + content %}{% endif %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}`,
  },
  // Llama 3: headers, contents trimmed, BOS once.
  {
    ...{
      name: 'Llama 3',
      family: 'llama3-style',
      bos: '<|begin_of_text|>',
      eos: '<|eot_id|>',
      special: LLAMA3,
      document: 'system',
    },
    template:
      "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
  },
  // Llama 3.1 to 3.3: the system turn always stands, with the knowledge cutoff and today's date.
  {
    ...{
      name: 'Llama 3.1',
      family: 'llama3-style',
      bos: '<|begin_of_text|>',
      eos: '<|eot_id|>',
      special: LLAMA3,
      document: 'system',
    },
    template:
      "{{ bos_token }}{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}{% endif %}{% if messages[0].role == 'system' %}{% set sys = messages[0].content | trim %}{% set messages = messages[1:] %}{% else %}{% set sys = '' %}{% endif %}{{ '<|start_header_id|>system<|end_header_id|>\\n\\nCutting Knowledge Date: December 2023\\nToday Date: ' + date_string + '\\n\\n' + sys + '<|eot_id|>' }}{% if tools is not none %}{{ 'tools' }}{% endif %}{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
  },
  // Mistral 7B v0.1: no system message, EOS after every answer.
  {
    ...{ name: 'Mistral v1', family: 'sentencepiece-style', bos: '<s>', eos: '</s>', special: [], document: 'user' },
    template: `{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}`,
  },
  // Mistral v3 and Nemo: the system message moves to the last user turn as the conversation goes on.
  {
    ...{
      name: 'Mistral v3',
      family: 'qwen2-style',
      bos: '<s>',
      eos: '</s>',
      special: ['<s>', '</s>', '[INST]', '[/INST]'],
      document: 'user',
    },
    template: `${splitSystem}{{ bos_token }}${alternate}{% if m.role == 'user' %}{% if loop.last and sys %}{{ '[INST]' + sys + '\\n\\n' + m.content + '[/INST]' }}{% else %}{{ '[INST]' + m.content + '[/INST]' }}{% endif %}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}`,
  },
  // Mistral Small: a system prompt in tokens of its own.
  {
    ...{ name: 'Mistral v7', family: 'qwen2-style', bos: '<s>', eos: '</s>', document: 'system' },
    special: ['<s>', '</s>', '[INST]', '[/INST]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]'],
    template:
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}{% elif m.role == 'system' %}{{ '[SYSTEM_PROMPT]' + m.content + '[/SYSTEM_PROMPT]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}",
  },
  // Gemma: no system role, the assistant is called model, contents trimmed.
  {
    ...{ name: 'Gemma', family: 'metaspace-style', bos: '<s>', eos: '<end_of_turn>', document: 'user' },
    special: ['<start_of_turn>', '<end_of_turn>'],
    template:
      "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + m.content | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
  },
  // Gemma 3: the system message stands at the beginning of the first user turn.
  {
    ...{ name: 'Gemma 3', family: 'metaspace-style', bos: '<s>', eos: '<end_of_turn>', document: 'system' },
    special: ['<start_of_turn>', '<end_of_turn>'],
    template:
      "{{ bos_token }}{% if messages[0].role == 'system' %}{% set prefix = messages[0].content + '\\n\\n' %}{% set loop_messages = messages[1:] %}{% else %}{% set prefix = '' %}{% set loop_messages = messages %}{% endif %}{% for m in loop_messages %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + (prefix if loop.first else '') + m.content | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
  },
  // Phi-3: role tokens that swallow the white space after them.
  {
    ...{ name: 'Phi-3', family: 'sentencepiece-style', bos: '<s>', eos: '<|end|>', document: 'system' },
    special: ['<|system|>', '<|user|>', '<|assistant|>', '<|end|>'],
    template:
      "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
  },
  // Granite 3: roles between role tokens, today's date in the default system turn.
  {
    ...{ name: 'Granite', family: 'gpt2-style', bos: '<|endoftext|>', eos: '<|endoftext|>', document: 'system' },
    special: ['<|start_of_role|>', '<|end_of_role|>', '<|end_of_text|>'],
    template:
      "{% if messages[0].role != 'system' %}{{ '<|start_of_role|>system<|end_of_role|>Today\\'s Date: ' + strftime_now('%B %d, %Y') + '.\\nYou are Granite.<|end_of_text|>\\n' }}{% endif %}{% for m in messages %}{{ '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %}",
  },
  // DeepSeek: the system message bare after BOS, user and assistant tokens, nothing between turns.
  {
    ...{
      name: 'DeepSeek',
      family: 'llama3-style',
      bos: '<|begin_of_text|>',
      eos: '<｜end▁of▁sentence｜>',
      document: 'system',
    },
    special: ['<｜User｜>', '<｜Assistant｜>', '<｜end▁of▁sentence｜>'],
    template:
      "{% set ns = namespace(sys='') %}{% for m in messages %}{% if m.role == 'system' %}{% set ns.sys = m.content %}{% endif %}{% endfor %}{{ bos_token + ns.sys }}{% for m in messages %}{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content + eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}",
  },
  // Zephyr: role markers in plain text, EOS after every message.
  {
    ...{ name: 'Zephyr', family: 'sentencepiece-style', bos: '<s>', eos: '</s>', special: [], document: 'system' },
    template:
      "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + eos_token + '\\n' }}{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}{% endfor %}",
  },
  // Falcon: roles as words, a blank line between turns, no control tokens.
  {
    ...{ name: 'Falcon', family: 'gpt2-style', bos: null, eos: '<|endoftext|>', special: [], document: 'system' },
    template:
      "{% for m in messages %}{% if not loop.first %}{{ '\\n' }}{% endif %}{% if m.role == 'system' %}{{ 'System: ' + m.content }}{% elif m.role == 'user' %}{{ 'User: ' + m.content }}{% else %}{{ 'Falcon: ' + m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '\\nFalcon:' }}{% endif %}",
  },
]
