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

/** The readable text of an HTML page: scripts, styles and navigation left out, blocks on lines of their own. */
export function htmlToText(html: string): string {
  let text = ''
  // An explicit stack: a hostile page can nest deeper than the call stack.
  const todo: (Node | string)[] = [parse(html)]
  while (todo.length > 0) {
    const node = todo.pop()
    if (node === undefined) break
    if (typeof node === 'string') {
      text += node
      continue
    }
    if (node.nodeName === '#text' && 'value' in node) {
      text += node.value.replace(/\s+/g, ' ')
      continue
    }
    if (SKIPPED.has(node.nodeName)) continue
    if (node.nodeName === 'td' || node.nodeName === 'th') text += ' '
    if (LINES.has(node.nodeName)) text += '\n'
    const isBlock = BLOCKS.has(node.nodeName)
    if (isBlock) {
      text += '\n'
      todo.push('\n')
    }
    if ('childNodes' in node) {
      for (let i = node.childNodes.length - 1; i >= 0; i--) {
        const child = node.childNodes[i]
        if (child !== undefined) todo.push(child)
      }
    }
  }
  return text
    .replace(/[ \t]*\n[ \t]*/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
