const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const wholeNumber = /^-?[1-9][0-9]*$/;

function isNumberPart(code: number): boolean {
  // 0-9 + - . E e
  return (
    (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46 || code === 69 || code === 101
  );
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

/** Offset behind the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    at += code === backslash ? 2 : 1;
  }
  return text.length;
}

function isLossy(token: string): boolean {
  return token.length > 15 && wholeNumber.test(token) && !Number.isSafeInteger(Number(token));
}

/** Whether what follows makes the token a key; JSON has no such keys, and quoting must not create one. */
function isKey(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return text.charCodeAt(at) === colon;
}

/**
 * JSON.parse, but whole numbers beyond 2^53 come out as their digits in a string: discord.py sends snowflakes as
 * bare numbers. What is not JSON stays so.
 * @throws SyntaxError when the text is not JSON, or nested deeper than `maxDepth`
 */
export function parseLossless(text: string, maxDepth: number): unknown {
  let quoted = '';
  let copied = 0;
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
    } else if (isNumberPart(code)) {
      const from = at;
      while (at < text.length && isNumberPart(text.charCodeAt(at))) at++;
      const token = text.slice(from, at);
      if (isLossy(token) && !isKey(text, at)) {
        quoted += `${text.slice(copied, from)}"${token}"`;
        copied = at;
      }
    } else {
      if (code === 0x7b || code === 0x5b) depth++;
      else if (code === 0x7d || code === 0x5d) depth--;
      if (depth > maxDepth) throw new SyntaxError('nested too deeply');
      at++;
    }
  }
  return JSON.parse(copied === 0 ? text : quoted + text.slice(copied));
}
