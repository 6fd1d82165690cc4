/**
 * A software graphics adapter for tests: SwiftShader and a Vulkan loader from the headless Chromium package, unpacked once
 * into node_modules/.cache. Gives the environment that a child process needs, or the reason why there is none.
 */
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { createBrotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'

const ICD = 'vk_swiftshader_icd.json'

export type SoftwareGpu = { readonly env: NodeJS.ProcessEnv } | { readonly missing: string }

export async function softwareGpu(): Promise<SoftwareGpu> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `no software graphics adapter is packaged for ${process.platform} ${process.arch}` }
  }
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    const folder = resolve('node_modules/.cache', `swiftshader-${version}`)
    if (!existsSync(join(folder, ICD))) await unpack(join(root, 'bin/swiftshader.tar.br'), folder)
    const icd = join(folder, ICD)
    return { env: { ...process.env, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd, LD_LIBRARY_PATH: folder } }
  } catch (error) {
    return { missing: `SwiftShader could not be unpacked: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** Into a folder beside the target first, so that two test processes at once both find it whole. */
async function unpack(archive: string, folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}`
  await mkdir(temporary, { recursive: true })
  const entries = createReadStream(archive).pipe(createBrotliDecompress()).pipe(extract())
  for await (const entry of entries) {
    const bytes: Buffer[] = []
    for await (const chunk of entry) bytes.push(Buffer.from(chunk as Uint8Array))
    if (entry.header.type === 'file') {
      await writeFile(join(temporary, basename(entry.header.name)), Buffer.concat(bytes), { mode: 0o755 })
    }
  }
  await rename(temporary, folder).catch(() => rm(temporary, { recursive: true, force: true }))
}
