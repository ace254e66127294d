import Rules
import SansIO
import WireReader

/// What was looked at of media. Streams count once, when they are let go or at the end.
struct MediaCounts: Hashable, Sendable {
  var streams = 0
  var packets = 0
  /// Of calls that have to be SRTP.
  var secretStreams = 0
  var secretPackets = 0
  var clearPackets = 0
  /// Neither verified with a key of the tap nor RTP in clear for certain.
  var unverified = 0
  var offList = 0
  var codecs: [String] = []
  /// Sent by the host, and those of them that went to nobody who had asked.
  var sent = 0
  var astray = 0
}

extension PolicyWatch {
  /// What a stream shows as of now.
  ///
  /// - Parameters:
  ///   - callID: of the call that it belongs to; nil where no description names its addresses.
  ///   - incoming: streams to an address.
  func examine(
    _ stream: RTPStream, callID: String?, incoming: (TransportAddress) -> [RTPStream]
  ) -> [InspectionFinding] {
    guard let arms = arms(stream, callID) else { return [] }
    return [clear(stream, arms, callID), codec(stream, arms, callID), stranger(stream, callID, incoming)].compactMap(\.self)
  }

  /// Adds up what a stream had.
  func count(_ stream: RTPStream, callID: String?, incoming: (TransportAddress) -> [RTPStream], into counts: inout MediaCounts) {
    guard let arms = arms(stream, callID) else { return }
    let packets = stream.statistics.packets
    counts.streams += 1
    counts.packets += packets
    if arms.requiresSRTP {
      counts.secretStreams += 1
      counts.secretPackets += packets
      counts.clearPackets += stream.clear.count + stream.clearControl.count
      counts.unverified += max(packets - stream.openedPackets - stream.clear.count - stream.order.duplicates, 0)
    }
    for use in audio(stream) {
      let name = Words.encoding(RTPStream.text(use))
      if !arms.lists(name) { counts.offList += use.packets }
      if !counts.codecs.contains(name), counts.codecs.count < 16 { counts.codecs.append(name) }
    }
    guard isOwnPort(stream.key.source) else { return }
    counts.sent += packets
    if isAstray(stream, incoming) { counts.astray += packets }
  }

  /// A call's own; of what nobody described, what all accounts have, where it comes from or goes to a port that the host has opened.
  private func arms(_ stream: RTPStream, _ callID: String?) -> PolicyArms? {
    if let callID { return ledger.arms(of: callID) }
    // A phone beside its PBX sees no signalling at all: its packets are judged where that is seen.
    guard isEndpoint else { return nil }
    return isOwnPort(stream.key.source) || isOwnPort(stream.key.destination) ? ledger.unanimous : nil
  }

  private func finding(_ rule: Rule, _ stream: RTPStream, _ callID: String?, _ stamp: FrameStamp, _ text: String) -> InspectionFinding {
    InspectionFinding(rule, rule.severity, rule.section, text, frame: stamp.frame, callID: callID, blamed: stream.key.source)
  }

  private func clear(_ stream: RTPStream, _ arms: PolicyArms, _ callID: String?) -> InspectionFinding? {
    guard arms.requiresSRTP else { return nil }
    if let first = stream.clear.first {
      let count = stream.clear.count
      return finding(
        .mediaInClear, stream, callID, first,
        "\(stream.way) is outside SRTP: \(count) of \(Words.count(stream.statistics.packets, "packet")) "
          + "\(count == 1 ? "is" : "are") in clear (requireSRTP)")
    }
    guard let first = stream.clearControl.first else { return nil }
    return finding(
      .mediaInClear, stream, callID, first,
      "RTCP of \(stream.way) is outside SRTP: \(Words.count(stream.clearControl.count, "packet")) in clear (requireSRTP)")
  }

  /// What whoever receives has agreed to, or the endpoint sends: another payload type is a mistake of its own.
  private func audio(_ stream: RTPStream) -> [PayloadUse] {
    stream.payloads.filter { use in
      ![13, 19].contains(use.type) && use.encoding?.isTelephoneEvent != true && !use.isNamedSignallingEvent
        && (use.isNegotiated || isOwnPort(stream.key.source))
    }
  }

  private func codec(_ stream: RTPStream, _ arms: PolicyArms, _ callID: String?) -> InspectionFinding? {
    guard isEndpoint, let wrong = audio(stream).first(where: { !arms.lists(RTPStream.text($0)) }) else { return nil }
    let name = Words.encoding(RTPStream.text(wrong))
    return finding(
      .codecOffList, stream, callID, wrong.first,
      "\(stream.way) is in \(name), and the policy's list is \(arms.codecs.joined(separator: ", ")) (codecs)")
  }

  /// Nobody has described where it goes, and nothing has come from there before: who is behind a NAT has sent something first (RFC 4961).
  private func isAstray(_ stream: RTPStream, _ incoming: (TransportAddress) -> [RTPStream]) -> Bool {
    stream.receiver == nil
      && !incoming(stream.key.source).contains {
        $0.key.source == stream.key.destination && $0.first.frame < stream.first.frame
      }
  }

  private func stranger(_ stream: RTPStream, _ callID: String?, _ incoming: (TransportAddress) -> [RTPStream]) -> InspectionFinding? {
    guard isOwnPort(stream.key.source), isAstray(stream, incoming) else { return nil }
    return finding(
      .mediaToStranger, stream, callID, stream.first,
      "\(stream.way) goes where no description asks for it, and from where nothing had come: "
        + Words.count(stream.statistics.packets, "packet"))
  }
}
