// Whether an unpacked package is what electron-builder.yml asks for, read from its files. It runs nothing of it.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { extractFile, getRawHeader } from '@electron/asar'
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { parseUpdateInfo, resolveFiles } from 'electron-updater/out/providers/Provider.js'

/** Fuses by their names in electron-builder.yml. */
const FUSES = {
  runAsNode: FuseV1Options.RunAsNode,
  enableCookieEncryption: FuseV1Options.EnableCookieEncryption,
  enableNodeOptionsEnvironmentVariable: FuseV1Options.EnableNodeOptionsEnvironmentVariable,
  enableNodeCliInspectArguments: FuseV1Options.EnableNodeCliInspectArguments,
  enableEmbeddedAsarIntegrityValidation: FuseV1Options.EnableEmbeddedAsarIntegrityValidation,
  onlyLoadAppFromAsar: FuseV1Options.OnlyLoadAppFromAsar,
  loadBrowserProcessSpecificV8Snapshot: FuseV1Options.LoadBrowserProcessSpecificV8Snapshot,
  grantFileProtocolExtraPrivileges: FuseV1Options.GrantFileProtocolExtraPrivileges,
}

function* filesOf({ files }, path = '') {
  for (const [name, entry] of Object.entries(files)) {
    const at = path === '' ? name : `${path}/${name}`
    if (entry.files !== undefined) yield* filesOf(entry, at)
    else if (entry.link === undefined) yield [at, entry]
  }
}

/** Each file of the archive against the digests in its header, block by block. */
function archiveProblems(archive) {
  const problems = []
  for (const [path, { integrity, unpacked }] of filesOf(getRawHeader(archive).header)) {
    if (integrity === undefined) {
      problems.push(`app.asar: ${path} has no digest`)
      continue
    }
    const bytes = unpacked ? readFileSync(join(`${archive}.unpacked`, path)) : extractFile(archive, path)
    const digest = part => createHash(integrity.algorithm.toLowerCase()).update(part).digest('hex')
    const blocks = Array.from({ length: Math.max(1, Math.ceil(bytes.length / integrity.blockSize)) }, (_, at) =>
      digest(bytes.subarray(at * integrity.blockSize, (at + 1) * integrity.blockSize)),
    )
    if (digest(bytes) !== integrity.hash || integrity.blocks.some((block, at) => block !== blocks[at]))
      problems.push(`app.asar: ${path} is not what its digest says`)
  }
  return problems
}

async function fuseProblems(program, wanted) {
  // Letters, by the numbers of the fuses.
  let wire
  try {
    wire = await getCurrentFuseWire(program)
  } catch (thrown) {
    return [`fuses: ${thrown.message}`]
  }
  return Object.entries(wanted)
    .filter(([name, on]) => wire[FUSES[name]] !== (on ? '1' : '0').charCodeAt(0))
    .map(([name, on]) => `fuses: ${name} is not ${on ? 'on' : 'off'}`)
}

/** The fuses that electron-builder.yml sets. */
export function wantedFuses(root) {
  const block =
    /electronFuses:\n((?: {2}.*\n)+)/.exec(readFileSync(join(root, 'electron-builder.yml'), 'utf8'))?.[1] ?? ''
  return Object.fromEntries([...block.matchAll(/ {2}(\w+): (true|false)/g)].map(m => [m[1], m[2] === 'true']))
}

/** What is wrong with the package in `folder`, whose program lies at `program`; nothing for none. */
export async function packageProblems(folder, { program, resources = join(folder, 'resources'), fuses }) {
  const archive = join(resources, 'app.asar')
  const needed = [archive, program, ...['sbom.cdx.json', 'licences.txt'].map(name => join(resources, 'legal', name))]
  const missing = needed.filter(file => !existsSync(file)).map(file => `${file} is missing`)
  const natives = existsSync(archive)
    ? [...filesOf(getRawHeader(archive).header)].filter(([path, entry]) => path.endsWith('.node') && !entry.unpacked)
    : []
  return [
    ...missing,
    ...natives.map(([path]) => `app.asar: ${path} has to be a real file`),
    ...(existsSync(archive) ? archiveProblems(archive) : []),
    ...(existsSync(program) ? await fuseProblems(program, fuses) : []),
  ]
}

/** Names of files in a feed are resolved against the address that it was read from: here any. */
const FEED_ADDRESS = new URL('https://updates.invalid/')

/** Of an update feed (`latest*.yml`), as electron-updater reads it: each file that it names, against the size and SHA-512 it gives. */
export function feedProblems(folder) {
  const feeds = existsSync(folder) ? readdirSync(folder).filter(name => /^latest.*\.yml$/.test(name)) : []
  return feeds.flatMap(feed => {
    let files
    try {
      files = resolveFiles(parseUpdateInfo(readFileSync(join(folder, feed), 'utf8'), feed, FEED_ADDRESS), FEED_ADDRESS)
    } catch (thrown) {
      return [`${feed}: ${thrown.message}`]
    }
    return files.flatMap(({ url, info: { sha512, size } }) => {
      const name = decodeURIComponent(url.pathname.slice(1))
      const file = join(folder, name)
      if (!existsSync(file)) return [`${feed}: ${name} is not there`]
      const bytes = readFileSync(file)
      const isIt = createHash('sha512').update(bytes).digest('base64') === sha512
      return isIt && (size === undefined || bytes.length === size) ? [] : [`${feed}: ${name} is another file`]
    })
  })
}
