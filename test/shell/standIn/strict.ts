/**
 * Makes an object that throws on every member it does not have, so that a wrong call to a stand-in cannot pass as
 * `undefined`. Symbols and `then` are let through: the language itself asks for those.
 */
export function strict<T extends object>(name: string, members: T): T {
  return new Proxy(members, {
    get(target, key) {
      if (typeof key === 'symbol' || key === 'then' || key in target) {
        const member: unknown = Reflect.get(target, key)
        // Bound, because a method with private state does not know the proxy.
        return typeof member === 'function' ? member.bind(target) : member
      }
      throw new Error(`The stand-in for electron has no ${name}.${key}`)
    },
    set(target, key, value) {
      if (key in target) return Reflect.set(target, key, value)
      throw new Error(`The stand-in for electron has no ${name}.${String(key)} to set`)
    },
  })
}
