import RTP
import SansIO

// Why digits did not come, or were not sent.
extension CauseFinder {
  func digits(_ member: String, _ call: String?) -> [Cause] {
    guard let story = call.map({ script.story($0, at: member) }) ?? script.live(member) else { return absent(member) }
    var causes = over(story)
    if let peer = script.peer(of: story), case .failed(let reason)? = peer.press?.state {
      causes.append(.digitsNotSent(member: peer.member, reason: reason))
    }
    if !story.digits.isEmpty {
      let words = story.digits.map { "\($0.digit) (\($0.way.name))" }.joined(separator: ", ")
      causes.append(.gotDigits(member: member, words))
    }
    return causes + media(to: story)
  }

  func pressing(_ member: String, _ call: String?) -> [Cause] {
    guard let story = call.map({ script.story($0, at: member) }) ?? script.live(member) else { return absent(member) }
    var causes = over(story)
    if case .failed(let reason)? = story.press?.state { causes.append(.digitsNotSent(member: member, reason: reason)) }
    let agreed = story.agreement.map { [Cause.agreed(member: member, codec: $0.codecName, $0.direction)] } ?? []
    return causes + agreed + network.media(from: member)
  }
}
