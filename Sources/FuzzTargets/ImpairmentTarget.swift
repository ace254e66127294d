import Impairments
import SansIO

/// Patterns of links and plans of fates as somebody wrote them.
///
/// A plan that is read is written and read again as the same; a pattern that is read gives every packet a fate that does not lie in the
/// past; and a link that has it never breaks.
enum ImpairmentTarget {
  static func run(_ input: [UInt8]) {
    let text = Bytes(input).text
    if let plan = try? FatePlan.parse(text) {
      let again = try? FatePlan.parse(plan.text)
      hold(again?.text == plan.text && again?.count == plan.count, "a plan is read as it was written")
    }
    if let list = try? PacketList.parse(text) {
      var impairment = Impairment(delay: .milliseconds(10), jitter: .uniform(.milliseconds(5)))
      impairment.list = list
      var link = ImpairedLink(impairment, generator: SeededGenerator(seed: 1))
      for index in 0..<64 {
        let passage = link.pass(.datagram, octets: 200, at: Instant(nanoseconds: Int64(index) * 20_000_000))
        hold(passage.first ?? 0 >= 0 && passage.second ?? 0 >= 0, "no packet arrives before it left")
      }
    }
    if let passage = try? Passage.parse(text) {
      hold((try? Passage.parse(passage.description)) == passage, "a fate is read as it was written")
    }
  }
}
