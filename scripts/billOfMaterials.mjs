// What a package of the desktop app holds from others: a CycloneDX list by npm's own tool, and the texts of the licences.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const LICENCE = /^(licen[cs]e|copying|notice)/i

/** Packages that the window's page imports; they are bundled into it, whatever kind of dependency they are. */
function importedBy(folder) {
  const sources = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(tsx?|css)$/.test(entry.name))
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    // Imports stand at the head; further down it may be a text that shows some.
    .map(source => source.split(/^(?:export|const|function|interface|type|let|class|declare)\b/m)[0])
  const names = sources.flatMap(source =>
    [...source.matchAll(/(?:from|import)\s*\(?["']([@a-z][^"'#]*)["']/g)].map(m => m[1]),
  )
  return new Set(names.map(name => name.split('/', name.startsWith('@') ? 2 : 1).join('/')))
}

/**
 * The list as CycloneDX, of what is shipped alone: the dependencies, what the page has bundled, and all that these need;
 * Electron by itself. Throws when npm cannot tell, as in a tree that does not fit its lock file.
 */
export async function billOfMaterials(root) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  const { stdout } = await promisify(execFile)(npm, args, { cwd: root, maxBuffer: 1 << 28 })
  const bom = JSON.parse(stdout)
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const page = importedBy(join(root, 'renderer'))
  const needs = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
  const direct = needs.get(bom.metadata.component['bom-ref']) ?? []
  const nameOf = ref => ref.slice(0, ref.lastIndexOf('@'))
  const shipped = new Set()
  const open = direct.filter(ref => nameOf(ref) in dependencies || page.has(nameOf(ref)))
  for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
    if (shipped.has(ref)) continue
    shipped.add(ref)
    open.push(...(needs.get(ref) ?? []))
  }
  for (const ref of direct) if (nameOf(ref) === 'electron') shipped.add(ref)
  const isShipped = ref => shipped.has(ref) || ref === bom.metadata.component['bom-ref']
  return {
    ...bom,
    components: bom.components.filter(component => isShipped(component['bom-ref'])),
    dependencies: bom.dependencies
      .filter(({ ref }) => isShipped(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: nameOf(ref) === 'electron' ? [] : dependsOn.filter(isShipped) })),
  }
}

/** What licence a component has, as its package says; null for none. */
export function licenceOf({ licenses = [] }) {
  return licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name).join(' and ') || null
}

/** One text of all licences, each under the name of what it belongs to. */
export function licenceTexts(root, { components }) {
  return components
    .map(component => {
      const path = component.properties?.find(({ name }) => name === 'cdx:npm:package:path')?.value
      const folder = join(root, path ?? join('node_modules', component.name))
      const files = existsSync(folder) ? readdirSync(folder).filter(name => LICENCE.test(name)) : []
      const texts = files.map(name => readFileSync(join(folder, name), 'utf8').trim())
      const head = `${component.name} ${component.version} (${licenceOf(component) ?? 'no licence named'})`
      return [
        head,
        '-'.repeat(head.length),
        ...(texts.length === 0 ? ['Its package carries no text of it.'] : texts),
      ].join('\n')
    })
    .join('\n\n\n')
}
