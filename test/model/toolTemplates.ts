/** How the most used model families tell of tools and write calls, in small templates of our own. */
export interface ToolFormat {
  readonly name: string
  /** As tokenizer_config.json has it: one, or several by name. */
  readonly template: string | readonly { readonly name: string; readonly template: string }[]
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
  // Qwen 3: thinks, so an answer after the last question begins with an empty thought; what tools give stands in one turn.
  {
    name: 'Qwen 3',
    template: `{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
    {{- 'These can be called:\n<tools>' }}
    {%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
    {{- '\n</tools><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(seeking=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- if ns.seeking and message.role == 'user' and message.content is string and not message.content.startswith('<tool_response>') %}
        {%- set ns.seeking = false %}
        {%- set ns.last = (messages|length - 1) - loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set thought = message.reasoning_content if message.reasoning_content is string else '' %}
        {%- if loop.index0 > ns.last and (loop.last or thought) %}
            {{- '<|im_start|>assistant\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>assistant\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if not loop.first or content %}{{- '\n' }}{%- endif %}
            {%- set called = tool_call.function if tool_call.function else tool_call %}
            {{- '<tool_call>\n{"name": "' + called.name + '", "arguments": ' }}
            {%- if called.arguments is string %}{{- called.arguments }}{%- else %}{{- called.arguments | tojson }}{%- endif %}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\n<tool_response>\n' + content + '\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}`,
    call: '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>',
    place: 'template',
  },
  // Llama 3.1 to 3.3: a date, built-in tools that nobody has here, and each result as JSON of its own role.
  {
    name: 'Llama 3.1',
    template: `{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not tools_in_user_message is defined %}{%- set tools_in_user_message = true %}{%- endif %}
{%- if not date_string is defined %}{%- set date_string = '26 Jul 2024' %}{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = '' %}
{%- endif %}
{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}
{%- if builtin_tools is defined or tools is not none %}{{- 'Environment: ipython\n' }}{%- endif %}
{{- 'Today: ' + date_string + '\n\n' + system_message + '<|eot_id|>' }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception('There is no first user message for the tools') }}
    {%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\n\nAnswer by a call in JSON with name and parameters.\n\n' }}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- '\n\n' }}{%- endfor %}
    {{- first + '<|eot_id|>' }}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception('One call at a time') }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- tool_call.arguments | tojson }}{{- '}' }}
        {{- '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>ipython<|end_header_id|>\n\n' }}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
        {{- '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}`,
    call: '{"name": "f", "parameters": {"a": 1}}',
    place: 'template',
  },
  // Hermes: a template by name for tools beside the usual one, which is used and knows none: calls are the same.
  {
    name: 'Hermes',
    template: [
      { name: 'default', template: `{% for m in messages %}{{ ${turn('m.role', 'm.content')} }}{% endfor %}${opened}` },
      { name: 'tool_use', template: `{{ raise_exception('not by that name') }}` },
    ],
    call: '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
    place: 'system',
  },
  // Mistral 0.3: calls and results go by ids, which differ each time, and tools stand before the last question, so they move.
  {
    name: 'Mistral 0.3',
    template: `{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr('role', 'equalto', 'user') | list %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message['role'] == 'user' %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- '[AVAILABLE_TOOLS] ' }}{{- tools | tojson }}{{- '[/AVAILABLE_TOOLS]' }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- '[INST] ' + system_message + '\n\n' + message['content'] + '[/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + '[/INST]' }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- '[TOOL_CALLS] [' }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function | tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id | length != 9 %}{{- raise_exception('Ids have nine letters and digits') }}{%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}{{- ', ' }}{%- else %}{{- ']' + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'] | trim + eos_token }}
    {%- elif message['role'] == 'tool' %}
        {{- '[TOOL_RESULTS] {"content": ' + message.content | string + '}[/TOOL_RESULTS]' }}
    {%- else %}
        {{- raise_exception('No such role') }}
    {%- endif %}
{%- endfor %}`,
    call: '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>',
    place: 'user',
  },
]
