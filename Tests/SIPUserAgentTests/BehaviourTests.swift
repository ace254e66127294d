import SIPMessage
import Testing

@testable import SIPComposition
@testable import SIPUserAgent

@Suite struct BehaviourTests {
  @Test func `a later rule for a situation replaces an earlier one, and a situation without a rule is the RFC's`() {
    let behaviour = Behaviour([
      BehaviourRule(.foreignScheme, answer: 404), BehaviourRule(.mergedRequest, .serve), BehaviourRule(.foreignScheme, answer: 480),
    ])
    #expect(behaviour.answer(to: .foreignScheme)?.status == 480)
    #expect(behaviour.does(.serve, in: .mergedRequest) && !behaviour.does(.ignore, in: .mergedRequest))
    #expect(behaviour[.bye] == nil && behaviour.answer(to: .mergedRequest) == nil)
  }

  @Test func `the words of the situations are those that a file can have`() {
    let words = BehaviourRule.Situation.allCases.map(\.rawValue)
    #expect(words.allSatisfy { $0.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil } && Set(words).count == words.count)
  }

  @Test(arguments: [
    (Features(), [SIPMethod.invite], [["histinfo"]], [String]()),
    (.reliableProvisionals, [.invite, .prack], [["100rel", "histinfo"]], []),
    (.sessionTimers, [.invite], [["TIMER", "histinfo"]], ["Session-Expires"]),
    (.all, [.invite, .prack, .update, .refer, .subscribe], [["100rel", "TIMER", "replaces", "histinfo"]], ["Session-Expires"]),
  ])
  func `what belongs to a feature is claimed by those that speak it (RFC 3262, RFC 4028, RFC 3311, RFC 3891, RFC 3515, RFC 6665)`(
    features: Features, methods: [SIPMethod], options: [[String]], headers: [String]
  ) {
    var style = MessageStyle(product: nil)
    style.allow = [.invite, .prack, .update, .refer, .subscribe]
    style.supported = [["100rel", "TIMER", "replaces", "histinfo"]]
    style.headers = [StyledHeader("Session-Expires", "1800", requests: [.invite])]
    let spoken = style.speaking(features)
    #expect(spoken.allow == methods && spoken.supported == options && spoken.headers.map(\.name) == headers)
  }

  @Test func `features that are not spoken are neither in Allow nor in Supported, and cannot be required (RFC 3261 §8.2.2.3)`() {
    var style = MessageStyle(product: nil)
    style.allow = [.invite, .prack]
    style.supported = [["100rel", "timer"], ["100rel"]]
    style.requestOptions = ["histinfo"]
    style = style.speaking(.sessionTimers)
    #expect(style.allow == [.invite])
    #expect(style.supportedValues(inRequest: true) == ["timer, histinfo"])
    #expect(style.supportedValues(inRequest: false) == ["timer"])
    #expect(style.supports("timer") && !style.supports("100rel") && !style.supports("histinfo"))
  }
}
