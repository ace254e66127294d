import Impairments
import SansIO

/// One direction of the way between two hosts in use. Most are steady: then all there is to know is how long a packet takes.
struct LinkState {
  /// What every packet takes, where nothing is drawn; nil = ``impaired`` decides.
  let steadyDelay: Int64?
  private let impaired: ImpairedState?

  /// What becomes of packets of a link that draws, for the whole run.
  private final class ImpairedState {
    // Unchecked: touched for every packet by code that cannot overlap itself.
    @exclusivity(unchecked) var link: ImpairedLink
    /// What was not simply the link's delay, by the number of the packet; nil = nobody wants to know.
    @exclusivity(unchecked) var log: [(number: Int, passage: Passage)]?

    init(_ link: ImpairedLink, log: [(number: Int, passage: Passage)]?) { (self.link, self.log) = (link, log) }
  }

  /// Where the fates of its packets come from and go to.
  struct Terms {
    /// Replayed instead of what the models would draw; nil = they draw.
    var fates: [Int: Passage]?
    var isRecorded: Bool
  }

  /// - Parameters:
  ///   - before: the same direction until now.
  ///   - generator: made only where something is drawn.
  init(_ impairment: Impairment, at now: Instant, after before: LinkState?, _ terms: Terms, generator: @autoclosure () -> SeededGenerator) {
    // Packets of a link whose fates are kept or replayed are counted from the first one on, whenever it begins to draw.
    let isBusy = before?.impaired?.link.isBusy(at: now, delay: impairment.delay.wholeNanoseconds) ?? false
    guard !impairment.isSteady || isBusy || terms.isRecorded || terms.fates != nil else {
      (steadyDelay, impaired) = (max(0, impairment.delay.wholeNanoseconds), before?.impaired)
      return
    }
    steadyDelay = nil
    var impairment = impairment
    if let fates = terms.fates {
      var plain = Impairment(delay: impairment.delay)
      (plain.delaySteps, plain.list) = (impairment.delaySteps, PacketList(fates))
      impairment = plain
    }
    let link = ImpairedLink(impairment, at: now, after: before?.impaired?.link, generator: generator())
    impaired = ImpairedState(link, log: terms.isRecorded ? before?.impaired?.log ?? [] : nil)
  }

  /// What becomes of one packet. Precondition: the link is not steady.
  func pass(_ kind: ImpairedLink.Kind, octets: Int, at now: Instant) -> Passage {
    guard let impaired else { return Passage(after: steadyDelay ?? 0) }
    let passage = impaired.link.pass(kind, octets: octets, at: now)
    if impaired.log != nil, passage != Passage(after: impaired.link.base(at: now)) {
      impaired.log?.append((impaired.link.packets, passage))
    }
    return passage
  }

  /// What a packet takes where nothing is drawn.
  func base(at now: Instant) -> Int64 { steadyDelay ?? impaired?.link.base(at: now) ?? 0 }

  /// What was recorded of it so far.
  var recorded: [(number: Int, passage: Passage)] { impaired?.log ?? [] }
}
