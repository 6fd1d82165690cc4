import { lstat, mkdir, mkdtemp, readFile, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toStatePackError } from '#shared/domain/error.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'statepack-errors-'))
  await writeFile(join(folder, 'file'), 'not a database, whatever its name says '.repeat(40))
  await symlink('loop', join(folder, 'loop'))
  await mkdir(join(folder, 'full'))
  await writeFile(join(folder, 'full', 'x'), '')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const thrownBy = async (work: () => unknown) => {
  try {
    await work()
  } catch (thrown) {
    return toStatePackError(thrown)
  }
  throw new Error('nothing was thrown')
}

describe('what the system refuses', () => {
  it.each<[string, () => unknown, string, RegExp]>([
    ['a missing file', () => readFile(at('none')), 'E_NOT_FOUND', /^Could not open .*none: it is not there\.$/],
    ['a path below a file', () => readFile(at('file/x')), 'E_NOT_FOUND', /a file is where a folder should be\.$/],
    ['a folder read as a file', () => readFile(folder), 'E_BAD_INPUT', /it is a folder\.$/],
    ['a link to itself', () => readFile(at('loop')), 'E_BAD_INPUT', /^Could not open .*loop: links lead round/],
    ['a name that is too long', () => lstat(at('a'.repeat(300))), 'E_BAD_INPUT', /the name is too long\.$/],
    ['a name with a NUL', () => readFile('a\0b'), 'E_BAD_INPUT', /^The name cannot be used\.$/],
    ['a folder that is not empty', () => rmdir(at('full')), 'E_CONFLICT', /^Could not remove .*not empty\.$/],
    ['something in the way', () => mkdir(at('full')), 'E_CONFLICT', /something is there already\.$/],
    ['a file in place of a folder', () => rename(at('full'), at('file')), 'E_NOT_FOUND', /a file is where/],
    ['no database', () => new Database(at('file')).pragma('user_version'), 'E_STORE_UNREADABLE', /not a database\.$/],
    ['nobody at a port', () => refusedPort(), 'E_NETWORK', /^Could not reach 127\.0\.0\.1:\d+: /],
  ])('%s is named', async (_, work, code, message) => {
    const error = await thrownBy(work)
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
  })

  it('says a full disk, a missing folder and a permission in three sentences', () => {
    const said = (code: string) =>
      toStatePackError(Object.assign(new Error(code), { code, syscall: 'mkdir', path: '/x' }))
    expect(said('ENOSPC')).toMatchObject({ code: 'E_DISK_FULL', message: 'Could not create /x: the disk is full.' })
    expect(said('ENOENT')).toMatchObject({ code: 'E_NOT_FOUND', message: 'Could not create /x: it is not there.' })
    expect(said('EACCES')).toMatchObject({
      code: 'E_PERMISSION',
      message: 'Could not create /x: permission was denied.',
    })
    expect(said('EROFS')).toMatchObject({ code: 'E_READ_ONLY', message: 'Could not create /x: the disk is read-only.' })
  })

  it('is never an internal error, whatever a file system or a socket says', () => {
    // Codes that no call made here gives: signals, terminals, message queues, descriptors of other kinds.
    const never =
      /^E(2BIG|BADMSG|CANCELED|CHILD|DEADLK|DESTADDRREQ|DOM|FAULT|IDRM|INPROGRESS|INTR|ISCONN|MSGSIZE|MULTIHOP|NO(DATA|EXEC|LCK|LINK|MSG|PROTOOPT|SR|STR|TCONN|TSOCK|TTY|BUFS)|OVERFLOW|PROTO|PROTONOSUPPORT|PROTOTYPE|RANGE|SRCH|TIME|WOULDBLOCK|AFNOSUPPORT|ALREADY|NETDOWN|NETRESET|TTY)$/
    const unknown = Object.keys(constants.errno)
      .filter(code => code.startsWith('E') && !never.test(code))
      .filter(code => toStatePackError(Object.assign(new Error(code), { code })).code === 'E_INTERNAL')
    expect(unknown).toEqual([])
  })
})

/** Connects to a port that was just given back. */
async function refusedPort(): Promise<void> {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = Object(server.address())
  await new Promise(done => server.close(done))
  await new Promise((done, failed) => connect(port, '127.0.0.1', () => done(null)).on('error', failed))
}
