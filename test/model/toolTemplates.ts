/** How the most used model families tell of tools and write calls, in small templates of our own. */
export interface ToolFormat {
  readonly name: string
  readonly template: string
  /** A call of `f` with `{"a": 1}` as this family writes it. */
  readonly call: string
  /** Who tells of tools: the template itself, or a message that the tools are put into. */
  readonly place: 'template' | 'system' | 'user'
}

const turn = (role: string, content: string) => `'<|im_start|>' + ${role} + '\\n' + ${content} + '<|im_end|>\\n'`
const listed = "{% for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}"
const opened = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
const called = (open: string, key: string, close: string) =>
  `{% for c in m.tool_calls %}{{ '${open}{"name": "' + c.function.name + '", "${key}": ' + (c.function.arguments | tojson) + '}${close}' }}{% endfor %}`

export const TOOL_FORMATS: readonly ToolFormat[] = [
  // Qwen and Hermes: tools at the end of the system turn, what they give in the user's name.
  {
    name: 'Qwen',
    template: `{% set system = messages[0].content if messages[0].role == 'system' else 'You help.' %}{{ '<|im_start|>system\\n' + system }}{% if tools %}{{ '\\n\\n# Tools\\n<tools>' }}${listed}{{ '\\n</tools>' }}{% endif %}{{ '<|im_end|>\\n' }}{% for m in messages %}{% if m.role == 'tool' %}{{ ${turn("'user'", "'<tool_response>\\n' + m.content + '\\n</tool_response>'")} }}{% elif m.role != 'system' %}{{ '<|im_start|>' + m.role }}{% if m.content %}{{ '\\n' + m.content }}{% endif %}{% if m.tool_calls %}${called('\\n<tool_call>\\n', 'arguments', '\\n</tool_call>')}{% endif %}{{ '<|im_end|>\\n' }}{% endif %}{% endfor %}${opened}`,
    call: '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>',
    place: 'template',
  },
  // Llama 3: a call is the whole answer, tools stand in the first question, results are JSON.
  {
    name: 'Llama 3',
    template: `{% if messages[0].role == 'system' %}{{ ${turn("'system'", 'messages[0].content')} }}{% endif %}{% for m in messages %}{% if m.role == 'tool' %}{{ ${turn("'ipython'", '(m.content | tojson)')} }}{% elif m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('One call at a time') }}{% endif %}{{ '<|im_start|>assistant\\n' }}${called('', 'parameters', '')}{{ '<|im_end|>\\n' }}{% elif m.role == 'user' and tools and (loop.first or messages[0].role == 'system' and loop.index0 == 1) %}{{ '<|im_start|>user\\nYou may call functions.' }}${listed}{{ '\\n\\n' + m.content + '<|im_end|>\\n' }}{% elif m.role != 'system' %}{{ ${turn('m.role', 'm.content')} }}{% endif %}{% endfor %}${opened}`,
    call: '{"name": "f", "parameters": {"a": 1}}',
    place: 'template',
  },
  // A list of calls behind one mark.
  {
    name: 'marked list',
    template: `{% if tools %}{{ '[AVAILABLE_TOOLS]' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{% endif %}{% for m in messages %}{% if m.role == 'tool' %}{{ '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}{% elif m.tool_calls %}{{ '[TOOL_CALLS][' }}${called('', 'arguments', '')}{{ ']</s>' }}{% elif m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}{% elif m.role == 'assistant' %}{{ m.content + '</s>' }}{% endif %}{% endfor %}`,
    call: '[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}]',
    place: 'template',
  },
  // The name and the arguments behind marks of their own.
  {
    name: 'marked name',
    template: `{% if tools %}{{ '[AVAILABLE_TOOLS]' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{% endif %}{% for m in messages %}{% if m.role == 'tool' %}{{ '[TOOL_RESULTS]' + m.content + '[/TOOL_RESULTS]' }}{% elif m.tool_calls %}{% for c in m.tool_calls %}{{ '[TOOL_CALLS]' + c.function.name + '[ARGS]' + (c.function.arguments | tojson) }}{% endfor %}{{ '</s>' }}{% elif m.role == 'user' %}{{ '[INST]' + m.content + '[/INST]' }}{% elif m.role == 'assistant' %}{{ m.content + '</s>' }}{% endif %}{% endfor %}`,
    call: '[TOOL_CALLS]f[ARGS]{"a": 1}',
    place: 'template',
  },
  // Calls that are no JSON: told of in messages instead.
  {
    name: 'calls like Python',
    template: `{% if tools %}{{ 'Tools: ' + (tools | tojson) + '\\n' }}{% endif %}{% for m in messages %}{{ ${turn('m.role', 'm.content')} }}{% if m.tool_calls %}{% for c in m.tool_calls %}{{ '[' + c.function.name + '(' }}{% for k, v in c.function.arguments | items %}{{ k + '=' + v | string }}{% endfor %}{{ ')]' }}{% endfor %}{% endif %}{% endfor %}${opened}`,
    call: '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
    place: 'system',
  },
  {
    name: 'no tools',
    template: `{% for m in messages %}{{ ${turn('m.role', 'm.content')} }}{% endfor %}${opened}`,
    call: '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
    place: 'system',
  },
  {
    name: 'no tools, and no system',
    template: `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{{ ${turn('m.role', 'm.content')} }}{% endfor %}${opened}`,
    call: '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
    place: 'user',
  },
]
