import { type DefaultTreeAdapterTypes, parse } from 'parse5'

type Node = DefaultTreeAdapterTypes.Node

const SKIPPED = new Set(['script', 'style', 'noscript', 'template', 'head', 'svg', 'iframe', 'object', 'nav'])
const BLOCKS = new Set(
  'address article aside blockquote div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main ol p pre section table ul'.split(
    ' ',
  ),
)

/** Begin a line, not a paragraph. */
const LINES = new Set(['br', 'dd', 'dt', 'li', 'tr'])
/** Their white space is part of what they say: code, poems, tables in plain text. */
const VERBATIM = new Set(['pre', 'textarea', 'listing', 'xmp'])

/**
 * The readable text of an HTML page: scripts, styles and navigation left out, blocks on lines of their own, white space as
 * a browser shows it.
 */
export function htmlToText(html: string): string {
  const text = createLines()
  // An explicit stack: a hostile page can nest deeper than the call stack.
  const todo: { readonly node: Node | null; readonly verbatim: boolean }[] = [{ node: parse(html), verbatim: false }]
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const { node } = at
    if (node === null) {
      text.breakLine()
      continue
    }
    if (node.nodeName === '#text' && 'value' in node) {
      if (at.verbatim) text.addVerbatim(node.value)
      else text.addWords(node.value)
      continue
    }
    if (SKIPPED.has(node.nodeName)) continue
    const verbatim = at.verbatim || VERBATIM.has(node.nodeName)
    if (node.nodeName === 'td' || node.nodeName === 'th') text.addWords(' ')
    if (node.nodeName === 'br' && verbatim) text.addVerbatim('\n')
    else if (LINES.has(node.nodeName)) text.breakLine()
    if (BLOCKS.has(node.nodeName)) {
      text.breakLine()
      todo.push({ node: null, verbatim })
    }
    // One by one: a page has more children side by side than a call takes arguments.
    if ('childNodes' in node) for (const child of node.childNodes.toReversed()) todo.push({ node: child, verbatim })
  }
  return text.toString()
}

/** Text put together as a browser does: white space between words is one space, breaks add up to one empty line. */
function createLines() {
  const parts: string[] = []
  let breaks = 0
  let space = false
  const add = (text: string) => {
    if (parts.length > 0) parts.push(breaks > 0 ? '\n'.repeat(Math.min(2, breaks)) : space ? ' ' : '')
    parts.push(text)
    breaks = 0
    space = false
  }
  return {
    breakLine: () => {
      breaks += 1
    },
    addWords: (text: string) => {
      const words = text.trim().replace(/\s+/g, ' ')
      if (/^\s/.test(text)) space = true
      if (words === '') return
      add(words)
      space = /\s$/.test(text)
    },
    addVerbatim: (text: string) => {
      if (text !== '') add(text)
    },
    toString: () => parts.join('').trimEnd(),
  }
}
