import { expect, test } from 'vitest'
import { htmlToText } from '#engine/documents/htmlToText.ts'

test('keeps what a reader sees, block by block', () => {
  const html = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
    <nav>menu</nav><h1>Facts</h1><p>The  fee is <b>4800</b>.<br>Paid&nbsp;monthly.</p>
    <script>alert('x')</script><ul><li>One</li><li>Two</li></ul>
    <table><tr><th>Name</th><td>Ada</td></tr></table></body></html>`
  expect(htmlToText(html)).toBe('Facts\n\nThe fee is 4800.\nPaid monthly.\n\nOne\nTwo\n\nName Ada')
})

test('markup in text stays text', () => {
  expect(htmlToText('<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>')).toBe('<script>alert(1)</script>')
})

test('a page nested 100,000 deep is read without running out of stack', () => {
  const depth = 100_000
  expect(htmlToText(`${'<div>'.repeat(depth)}deep${'</div>'.repeat(depth)}`)).toBe('deep')
})

test('white space is kept where a browser keeps it', () => {
  const code = 'def f(x):\n    if x:\n\n\n        return 1\n\treturn 2'
  expect(htmlToText(`<p>So:</p><pre>\n<code>${code}</code></pre><p>Done.</p>`)).toBe(`So:\n\n${code}\n\nDone.`)
  expect(htmlToText('<pre>a<br>  b</pre>')).toBe('a\n  b')
  expect(htmlToText('<p>one   <b>two</b>\n three</p>')).toBe('one two three')
})

test('200,000 paragraphs side by side are read', () => {
  expect(htmlToText('<p>a</p>'.repeat(200_000))).toHaveLength(3 * 200_000 - 2)
})
