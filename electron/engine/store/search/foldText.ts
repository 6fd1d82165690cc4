const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{Mn}+/gu

/**
 * Text as it is searched: equal for what differs only in case, accents or width. Accents are dropped where they are
 * accents; in other scripts marks are letters of their own (が is not か) and stay.
 */
export function foldText(text: string): string {
  const plain = text.normalize('NFKD').replace(ACCENTS, '')
  // Up and down again: ß and SS, σ and ς, ſ and s become one.
  return plain.toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}
