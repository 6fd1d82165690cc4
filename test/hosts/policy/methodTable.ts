/** The trust policy as a table: every verb of every way in, and what it does with a cartridge that it is given. */
import type { ErrorCode } from '#shared/domain/error.ts'
import type { Act } from '#shared/domain/trust.ts'
import type { MethodName } from '#shared/rpc/contract.ts'

/** The cartridge in question, and another of the same model that is one's own. */
export interface Refs {
  readonly it: string
  readonly other: string
  /** A text file, for ways in that read one. */
  readonly text: string
  /** A repository that nobody may push to. */
  readonly place: string
}

export interface Verb<Call> {
  readonly act: Act
  readonly call: (refs: Refs) => Call
  /** How it ends where it is allowed, if not well: nothing is there to send it to. */
  readonly ends?: ErrorCode
}

/** `none`: it is given no cartridge of the library to act on. */
export type Verbs<Call> = 'none' | Verb<Call> | readonly Verb<Call>[]

const parents = ({ it, other }: Refs) => [
  { ref: other, weight: 0.5 },
  { ref: it, weight: 0.5 },
]
const run = (call: (refs: Refs) => object, ends?: ErrorCode): Verb<object> => ({ act: 'run', call, ends })
const look = (call: (refs: Refs) => object, ends?: ErrorCode): Verb<object> => ({ act: 'look', call, ends })
const share = (call: (refs: Refs) => object, ends?: ErrorCode): Verb<object> => ({ act: 'share', call, ends })

/** What the window, the SDK and the command line send to the engine. A method that is added has to say what it does. */
export const METHODS: Readonly<Record<MethodName, Verbs<object>>> = {
  'packets.infer': [
    run(({ it }) => ({ ref: it, delta: 'Q', maxNewTokens: 1 })),
    run(({ it }) => ({ ref: it, delta: 'Q', maxNewTokens: 1, chat: true, persist: 'memory' })),
  ],
  'packets.merge': run(({ it }) => ({ ref: it, delta: 'More.' })),
  'packets.compact': run(({ it }) => ({ ref: it })),
  'packets.spotCheck': run(({ it }) => ({ ref: it })),
  'packets.prove': run(({ it }) => ({ ref: it, delta: 'Q', outputTokenIds: [] })),
  'ask.ask': run(({ it }) => ({ ref: it, question: 'Q', maxNewTokens: 1 })),
  'ask.several': run(({ it }) => ({
    of: [{ ref: it }],
    asking: 'each',
    conversationId: '00000000-0000-4000-8000-000000000002',
    question: 'Q',
    maxNewTokens: 1,
  })),
  'remix.mix': run(refs => ({ parents: parents(refs) })),
  'remix.preview': run(refs => ({ parents: parents(refs), questions: ['Q'] })),
  'remix.compose': run(({ it, other }) => ({ refs: [other, it] })),
  'memory.pin': run(({ it }) => ({ packetId: it, pinned: true })),
  'packets.export': share(({ it }) => ({ ref: it })),
  'packets.exportReview': share(({ it }) => ({ ref: it })),
  'share.push': share(({ it, place }) => ({ ref: it, to: place }), 'E_FORBIDDEN'),
  'packets.verify': look(({ it }) => ({ ref: it })),
  'packets.tokenize': look(({ it }) => ({ ref: it, text: 'Q' })),
  'packets.count': look(({ it }) => ({ ref: it, text: 'Q', chat: true })),
  'answers.keep': look(({ it }) => ({
    id: 'resp_1',
    state: it,
    of: null,
    request: `sha256:${'0'.repeat(64)}`,
    response: {},
    input: [],
  })),
  'packets.delta': look(({ it }) => ({ ref: it, delta: 'Q' })),
  'packets.resolve': look(({ it }) => ({ ref: it })),
  'packets.inspect': look(({ it }) => ({ ref: it })),
  'ask.history': look(({ it }) => ({ ref: it })),
  'packets.heatmap': look(({ it }) => ({ ref: it, tensor: 'ssm' })),
  'packets.tensor': look(({ it }) => ({ ref: it, tensor: 'ssm', layer: 0 })),
  'packets.compare': look(({ it, other }) => ({ a: it, b: other })),
  'library.get': look(({ it }) => ({ ref: it })),
  'library.lineage': look(({ it }) => ({ ref: it })),
  'library.update': look(({ it }) => ({ packetId: it, tags: ['seen'] })),
  'library.delete': look(({ it }) => ({ packetIds: [it] })),
  'library.restore': look(({ it }) => ({ packetIds: [it] })),
  'collections.save': look(({ it, other }) => ({
    id: '00000000-0000-4000-8000-000000000001',
    name: 'Both',
    packetIds: [other, it],
  })),
  'conversations.list': look(({ it }) => ({ slots: [it] })),
  'conversations.save': look(({ it }) => ({ id: '00000000-0000-4000-8000-000000000000', slots: [it] })),
  // The decision itself.
  'library.trust': look(({ it }) => ({ packetId: it })),
  'answers.delete': 'none',
  'answers.get': 'none',
  'answers.input': 'none',
  'ask.keep': 'none',
  'collections.dissolve': 'none',
  'collections.get': 'none',
  'collections.list': 'none',
  'conversations.delete': 'none',
  'conversations.eject': 'none',
  'conversations.export': 'none',
  'conversations.get': 'none',
  'conversations.reread': 'none',
  'conversations.restore': 'none',
  'documents.extract': 'none',
  'engine.status': 'none',
  'jobs.add': 'none',
  'jobs.cancel': 'none',
  'jobs.dismiss': 'none',
  'jobs.get': 'none',
  'jobs.import': 'none',
  'jobs.list': 'none',
  'jobs.pause': 'none',
  'jobs.retry': 'none',
  'jobs.status': 'none',
  'keys.acceptRevocation': 'none',
  'keys.export': 'none',
  'keys.forget': 'none',
  'keys.import': 'none',
  'keys.revoke': 'none',
  'keys.rotate': 'none',
  'keys.status': 'none',
  'keys.trust': 'none',
  'library.gc': 'none',
  'library.list': 'none',
  'library.suggest': 'none',
  'memory.purge': 'none',
  'memory.status': 'none',
  'models.add': 'none',
  'models.catalogue': 'none',
  'models.download': 'none',
  'models.list': 'none',
  'models.remove': 'none',
  'models.setPrecision': 'none',
  'models.unfinished': 'none',
  'packets.create': 'none',
  'packets.createSplit': 'none',
  'packets.estimate': 'none',
  'packets.import': 'none',
  'packets.review': 'none',
  // A file, in a sandbox: nothing of the library.
  'packets.try': 'none',
  'packets.whyMiss': 'none',
  'receipts.begin': 'none',
  'receipts.export': 'none',
  'receipts.get': 'none',
  'receipts.list': 'none',
  'receipts.replay': 'none',
  'receipts.trace': 'none',
  'receipts.verify': 'none',
  'savings.agentLoop': 'none',
  'savings.export': 'none',
  'savings.prices': 'none',
  'savings.providerBenchmark': 'none',
  'savings.providerKey': 'none',
  'savings.reset': 'none',
  'savings.series': 'none',
  'savings.setPrices': 'none',
  'savings.setProviderKey': 'none',
  'savings.summary': 'none',
  'server.rotateToken': 'none',
  'server.start': 'none',
  'server.status': 'none',
  'server.stop': 'none',
  'share.addCatalogue': 'none',
  'share.block': 'none',
  'share.browse': 'none',
  'share.catalogues': 'none',
  'share.removeCatalogue': 'none',
  'share.tags': 'none',
  'settings.get': 'none',
  'settings.set': 'none',
}

const asked = [{ role: 'user', content: 'Q' }]

/** `METHOD path` of the HTTP API: the body, or for a GET the path itself. */
export const ROUTES: Readonly<Record<string, Verbs<object>>> = {
  'POST /infer': [
    run(({ it }) => ({ state_hash: it, delta_text: 'Q', max_new_tokens: 1 })),
    run(({ it }) => ({ state_hash: it, delta_text: 'Q', max_new_tokens: 1, stream: true })),
  ],
  'POST /merge': run(({ it }) => ({ state_hash: it, delta_text: 'More.' })),
  'POST /compact': [
    run(({ it }) => ({ state_hash: it })),
    run(({ it }) => ({ state_hash: it, accumulated_deltas: ['More.'] })),
  ],
  'POST /combine': run(({ it, other }) => ({
    states: [
      { state_hash: other, weight: 0.5 },
      { state_hash: it, weight: 0.5 },
    ],
  })),
  'POST /push': share(({ it, place }) => ({ state_hash: it, to: place }), 'E_FORBIDDEN'),
  'POST /v1/completions': run(({ it }) => ({ state: it, prompt: 'Q', max_tokens: 1 })),
  'POST /v1/chat/completions': [
    run(({ it }) => ({ state: it, messages: asked, max_tokens: 1 })),
    run(({ it }) => ({ state: it, messages: asked, max_tokens: 1, stream: true })),
  ],
  'POST /v1/responses': [
    run(({ it }) => ({ state: it, input: 'Q', max_output_tokens: 1 })),
    run(({ it }) => ({
      previous_response_id: `resp_${it.replace('sha256:', '')}`,
      input: 'Q',
      max_output_tokens: 1,
    })),
  ],
  'POST /v1/messages': run(({ it }) => ({ state: it, messages: asked, max_tokens: 1, model: 'starter-mamba' })),
  'POST /v1/messages/count_tokens': look(({ it }) => ({ state: it, messages: asked })),
  'GET /states/{hash}': look(({ it }) => ({ hash: it })),
  'POST /states/{hash}': look(({ it }) => ({ hash: it, keywords: ['seen'] })),
  'GET /health': 'none',
  'GET /offers': 'none',
  'GET /openapi.json': 'none',
  'GET /receipts/{id}': 'none',
  'GET /states': 'none',
  'GET /tags': 'none',
  'GET /v1/models': 'none',
  'GET /v1/models/{model}': 'none',
  'DELETE /v1/responses/{id}': 'none',
  'GET /v1/responses/{id}': 'none',
  'GET /v1/responses/{id}/input_items': 'none',
  'POST /catalogues': 'none',
  'POST /pull': 'none',
  'POST /states': 'none',
  'POST /suggest': 'none',
}

type Arguments = (refs: Refs) => readonly string[]
const command = (act: Act, call: Arguments, ends?: ErrorCode): Verb<readonly string[]> => ({ act, call, ends })

/** Every command of the command line. */
export const COMMANDS: Readonly<Record<string, Verbs<readonly string[]>>> = {
  'statepack infer': [
    command('run', ({ it, text }) => ['--manifest', it, '--delta', text, '--max-new-tokens', '1']),
    command('run', ({ it, text }) => ['--manifest', it, '--delta', text, '--max-new-tokens', '1', '--chat']),
  ],
  'statepack merge': command('run', ({ it, text }) => ['--manifest', it, '--delta', text]),
  'statepack compact': command('run', ({ it }) => [it]),
  'statepack remix': [
    command('run', ({ it, other }) => [`${other}=0.5`, `${it}=0.5`]),
    command('run', ({ it, other }) => [other, it, '--compose']),
  ],
  'statepack export': [
    command('share', ({ it, text }) => [it, '--out', `${text}.cartridge`]),
    command('share', ({ it }) => [it, '--review']),
  ],
  'statepack push': [
    command('share', ({ it, place }) => [it, place], 'E_FORBIDDEN'),
    command('share', ({ it, place }) => [it, place, '--review']),
  ],
  'statepack delta': command('look', ({ it, text }) => ['--manifest', it, '--delta', text]),
  'statepack verify': command('look', ({ it }) => ['--manifest', it]),
  'statepack resolve': command('look', ({ it }) => ['--base-hash', it]),
  'statepack history': command('look', ({ it }) => [it]),
  'statepack inspect': command('look', ({ it }) => [it]),
  ...Object.fromEntries(
    [
      ...['bench agent-loop', 'bench native', 'bench restore', 'benchmark', 'completion', 'create', 'demo', 'gc'],
      ...[
        'import',
        'keys block',
        'keys export',
        'keys forget',
        'keys import',
        'keys revoke',
        'keys rotate',
        'keys show',
        'keys trust',
        'keys unblock',
        'list',
        'mcp',
        'models add',
        'models catalogue',
      ],
      ...['memory', 'models compile', 'models download', 'models list', 'models remove', 'pull', 'receipts begin'],
      ...['receipts export', 'receipts list', 'receipts replay', 'receipts trace', 'receipts verify', 'search'],
      ...['serve', 'show-available', 'suggest', 'tags', 'tokenize', 'open'],
      ...['catalogues add', 'catalogues list', 'catalogues remove'],
    ].map(name => [`statepack ${name}`, 'none'] as const),
  ),
}

/** Every call of the SDK. */
export const SDK_CALLS: Readonly<Record<string, Verbs<readonly unknown[]>>> = {
  infer: [
    { act: 'run', call: ({ it }) => [{ stateHash: it, deltaText: 'Q', maxNewTokens: 1 }] },
    { act: 'run', call: ({ it }) => [{ stateHash: it, deltaText: 'Q', maxNewTokens: 1 }, { onPiece: () => {} }] },
  ],
  merge: { act: 'run', call: ({ it }) => [{ stateHash: it, deltaText: 'More.' }] },
  compact: { act: 'run', call: ({ it }) => [{ stateHash: it, accumulatedDeltas: ['More.'] }] },
  combine: {
    act: 'run',
    call: ({ it, other }) => [
      {
        states: [
          { stateHash: other, weight: 0.5 },
          { stateHash: it, weight: 0.5 },
        ],
      },
    ],
  },
  uploadState: { act: 'share', call: ({ it, place }) => [{ stateHash: it, to: place }], ends: 'E_FORBIDDEN' },
  request: { act: 'run', call: ({ it }) => ['/v1/completions', { state: it, prompt: 'Q', max_tokens: 1 }] },
  state: { act: 'look', call: ({ it }) => [it] },
  saveState: { act: 'look', call: ({ it }) => [{ stateHash: it, keywords: ['seen'] }] },
  addCatalogue: 'none',
  createState: 'none',
  downloadState: 'none',
  offers: 'none',
  states: 'none',
  tags: 'none',
  close: 'none',
}

/** Every tool that an assistant is given, and the resource. */
export const TOOLS: Readonly<Record<string, Verbs<Record<string, unknown>>>> = {
  ask_cartridge: { act: 'run', call: ({ it }) => ({ cartridge: it, question: 'Q', max_tokens: 1 }) },
  verify_cartridge: { act: 'look', call: ({ it }) => ({ cartridge: it }) },
  list_cartridges: 'none',
  create_cartridge: 'none',
}
