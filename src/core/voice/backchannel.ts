/**
 * What listeners say to show that they listen.
 *
 * @module
 */

const SOUNDS =
  /^(u+h+|u+m+|h+m+|m+h*m+|m+|a+h*|o+h+|e+h*m*|e+r+|huh|ähm?|öhm?|hein|euh|ja+|yeah|yep|okay|ok|right|sure|うん|はい|ええ|嗯|啊)$/u;

/** Whether `text` asks for nothing, such as "uh-huh" or "okay". */
export function isBackchannel(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length <= 3 && words.every((word) => SOUNDS.test(word));
}
