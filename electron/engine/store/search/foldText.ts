const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{Mn}+/gu
/** Vowels of Arabic and points of Hebrew: they may be written or left out. */
const POINTS = /[\u064b-\u0652\u0670]+|(?<=\p{Script=Hebrew})\p{Mn}+/gu
/** Letters that Unicode does not take apart and its collation counts as these (UTS #10, first level). */
const LETTERS: Readonly<Record<string, string>> = { ł: 'l', đ: 'd', ð: 'd', ø: 'o', ħ: 'h', æ: 'ae', œ: 'oe', ς: 'σ' }

/**
 * Text as it is searched: equal for what differs only in case, accents or width. Accents are dropped where they are
 * accents; in other scripts marks are letters of their own (が is not か) and stay.
 */
export function foldText(text: string): string {
  const plain = text.normalize('NFKD').replace(ACCENTS, '').replace(POINTS, '')
  // Up and down again: ß and SS, σ and ς, ſ and s become one.
  const folded = plain.toUpperCase().toLowerCase()
  return folded.replace(/[łđðøħæœς]/g, letter => LETTERS[letter] ?? letter).normalize('NFC')
}
