import Impairments
import SansIO

/// Patterns of links and plans of fates as somebody wrote them.
///
/// A plan that is read is written and read again as the same; a pattern that is read gives every packet a fate that does not lie in the
/// past; and a link that has it never breaks.
enum ImpairmentTarget {
  static func run(_ input: Bytes) {
    let text = input.text
    if let plan = try? FatePlan.parse(text) {
      guard let again = try? FatePlan.parse(plan.text) else { preconditionFailure("a plan that was written is not read") }
      precondition(again.text == plan.text && again.count == plan.count, "a plan changes when it is written")
    }
    if let list = try? PacketList.parse(text) {
      var impairment = Impairment(delay: .milliseconds(10), jitter: .uniform(.milliseconds(5)))
      impairment.list = list
      var link = ImpairedLink(impairment, generator: SeededGenerator(seed: 1))
      for index in 0..<64 {
        let passage = link.pass(.datagram, octets: 200, at: Instant(nanoseconds: Int64(index) * 20_000_000))
        precondition(passage.first ?? 0 >= 0 && passage.second ?? 0 >= 0, "a packet arrives before it left")
      }
    }
    if let passage = try? Passage.parse(text) {
      precondition((try? Passage.parse(passage.description)) == passage, "a fate changes when it is written")
    }
  }
}
