/** What may come next in one answer, decided token by token. */
export interface Constraint {
  /** Resolves when it is known what may follow all that was taken. Throws what kept it from being known. */
  ready(): Promise<void>
  /** The logits `[vocab]` with -Infinity for every token that may not come next; null: none may, the answer is whole. */
  allowed(row: Float32Array): Float32Array | null
  /** The token that was chosen. */
  take(id: number): void
}
