/**
 * What is looked at inside of a page, by the browser: this function is sent there, and knows nothing of this file.
 * @returns {string[]} What is wrong.
 */
export function inspectPage() {
  /** @type {string[]} */
  const problems = []
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) problems.push(`the page is ${scrollWidth} px wide in ${clientWidth}`)

  for (const figure of document.querySelectorAll('figure')) {
    const name = figure.getAttribute('aria-label') ?? 'a figure without a name'
    const shown = [...figure.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 0)
    if (shown.length !== 1) problems.push(`${name}: ${shown.length} drawings are visible`)
    for (const svg of shown) problems.push(...inspectDrawing(svg).map((problem) => `${name}: ${problem}`))
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const element = node.parentElement
    if (element === null || (node.textContent ?? '').trim() === '') continue
    if (element.closest('title, desc, style') !== null || element.getClientRects().length === 0) continue
    const inDrawing = element.closest('svg') !== null
    const style = getComputedStyle(element)
    const ratio = contrast(colourOf(inDrawing ? style.fill : style.color), backgroundOf(element))
    if (ratio < 4.5)
      problems.push(`contrast ${ratio.toFixed(2)}: ${(node.textContent ?? '').trim().slice(0, 40)}`)
  }
  return problems

  /** @param {SVGSVGElement} svg */
  function inspectDrawing(svg) {
    /** @type {string[]} */
    const found = []
    const box = svg.getBoundingClientRect()
    if (box.width < 200 || box.height < 80) found.push(`only ${box.width} × ${box.height} px`)
    const labels = [...svg.querySelectorAll('text')].map((text) => ({
      text: text.textContent ?? '',
      at: text.getBoundingClientRect(),
    }))
    if (labels.length === 0) found.push('no labels')
    for (const { text, at } of labels) {
      if (
        at.left < box.left - 1 ||
        at.right > box.right + 1 ||
        at.top < box.top - 1 ||
        at.bottom > box.bottom + 1
      )
        found.push(`the label ${text} is cut off`)
    }
    for (const [index, one] of labels.entries()) {
      for (const other of labels.slice(index + 1)) {
        const wide = Math.min(one.at.right, other.at.right) - Math.max(one.at.left, other.at.left)
        const high = Math.min(one.at.bottom, other.at.bottom) - Math.max(one.at.top, other.at.top)
        if (wide > 1 && high > 4) found.push(`the labels ${one.text} and ${other.text} overlap`)
      }
    }
    if (svg.querySelector('path, polygon, rect, circle') === null) found.push('nothing is drawn')
    return found
  }

  /** @param {Element} element */
  function backgroundOf(element) {
    for (let at = /** @type {Element | null} */ (element); at !== null; at = at.parentElement) {
      const colour = colourOf(getComputedStyle(at).backgroundColor)
      if (colour[3] > 0) return colour
    }
    return /** @type {const} */ ([255, 255, 255, 1])
  }

  /**
   * @param {string} text
   * @returns {readonly [number, number, number, number]}
   */
  function colourOf(text) {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number)
    return [red, green, blue, alpha]
  }

  /**
   * @param {readonly [number, number, number, number]} one
   * @param {readonly [number, number, number, number]} other
   */
  function contrast(one, other) {
    const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
    return (high + 0.05) / (low + 0.05)
  }

  /** @param {readonly [number, number, number, number]} colour */
  function luminance([red, green, blue]) {
    const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
      const part = value / 255
      return part <= 0.039_28 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
}

/**
 * What can be seen in the file alone.
 * @param {string} html
 * @returns {string[]}
 */
export function staticProblems(html) {
  /** @type {string[]} */
  const problems = []
  /** @type {(ok: boolean, problem: string) => void} */
  const expect = (ok, problem) => {
    if (!ok) problems.push(problem)
  }
  const count = (/** @type {RegExp} */ pattern) => html.match(pattern)?.length ?? 0
  expect(!/<script|<iframe|<object|@import|\bon\w+=/i.test(html), 'it has something that runs, or loads')
  // Only within the page: `url(#clip)` and `data:`.
  for (const [, to = ''] of html.matchAll(/(?:\s(?:src|href|xlink:href)="|url\()['"]?([^)"']*)/g))
    expect(/^(?:#|data:)/.test(to), `it refers to ${to}`)
  expect(html.includes("default-src 'none'"), 'nothing forbids it to load')
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id)
  for (const id of new Set(ids))
    expect(ids.filter((other) => other === id).length === 1, `the id ${id} is there twice`)
  for (const [, names = ''] of html.matchAll(/aria-labelledby="([^"]+)"/g)) {
    for (const id of names.split(' ')) expect(ids.includes(id), `there is no ${id}`)
  }
  for (const [, id = ''] of html.matchAll(/url\(#([^)]+)\)/g)) expect(ids.includes(id), `there is no ${id}`)
  const figures = count(/<figure/g)
  expect(figures > 0, 'it has no figure')
  expect(count(/<svg/g) === figures * 3, 'a figure is not drawn for each width')
  expect(count(/<figure(?:(?!<\/figure>)[^])*<details/g) === figures, 'a figure has no table')
  expect(count(/<title id/g) === figures * 3 && count(/<desc id/g) === figures * 3, 'a drawing has no text')
  expect(!/NaN|undefined|\[object/.test(html), 'it shows a value that is none')
  expect(html.length < 600_000, `it has ${html.length} characters`)
  return problems
}
