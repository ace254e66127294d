import SRTP
import SansIO

/// Lines `a=crypto`, one a line of input, as the offer of one m= section and as its answer.
enum CryptoTarget {
  static func run(_ input: [UInt8]) {
    let values = input.split(separator: 10, maxSplits: 20).map { Bytes(Array($0)) }
    for value in values {
      for range in CryptoAttribute.keyRanges(in: value) { hold(!range.isEmpty && range.upperBound <= value.count, "a key has a place") }
      guard let attribute = try? CryptoAttribute.parse(value) else { continue }
      hold((try? CryptoAttribute.parse(attribute.serialized())) == attribute, "what is written is read as the same")
      hold((try? attribute.keying()) != nil, "what was taken can key a stream")
      hold(!attribute.keys.contains { "\(attribute)".contains($0.revealBase64()) }, "a description shows no key")
    }
    let offer = CryptoOffer(parsing: values)
    hold(offer.lines.count == values.count, "each line is taken or refused")
    for (line, refusal) in offer.refusals() {
      hold("\(refusal)".hasSuffix("(\(refusal.section))"), "a refusal names its rule")
      for range in CryptoAttribute.keyRanges(in: values[line]) where range.count > 32 {
        hold(!"\(refusal)".contains(values[line][range].text), "a refusal shows no key")
      }
    }
    if let chosen = offer.chosen() {
      var entropy = Entropy(seed: 1)
      let answer = chosen.answer(with: SRTPKey(for: chosen.suite, entropy: &entropy))
      hold((try? offer.accept(answer: [answer.serialized()]).theirs) == answer, "our answer fits the offer")
    }
    _ = try? offer.accept(answer: values)
  }
}
