import Capture
import Rules
import SIPMessage
import SansIO
import WireReader

/// Judges what a reader sees: each message as it comes, and what they make together whenever somebody asks.
///
/// Whoever feeds the reader hands what it shows to ``judge(_:)``, and may ask for ``findings(at:)`` at any time and as often as it likes:
/// nothing ends by it, and what was silent for a while may be named later.
public struct CaptureInspection {
  public let reader: PassiveReader
  /// Of messages alone.
  private(set) var immediate: FindingCollector
  private var passing = PassingChecks()
  /// Observers of a policy; nil where nobody knows one, as of a file.
  public private(set) var watch: PolicyWatch?

  /// - Parameter watch: observers of the policy in force.
  public init(_ reader: PassiveReader, watch: PolicyWatch? = nil) {
    self.reader = reader
    self.watch = watch
    immediate = FindingCollector(filter: reader.dialogs.filter)
  }

  /// Reads a packet, and judges what it shows.
  public mutating func take(_ packet: CapturedPacket) { for observed in reader.take(packet) { judge(observed) } }

  /// Takes a packet as a host's tap saw it.
  mutating func take(_ packet: PacketRecord, epoch: Epoch = .virtual) {
    for observed in reader.take(packet, epoch: epoch) { judge(observed) }
  }

  /// Lets observers see a packet that is not media, before what it shows.
  public mutating func observe(_ packet: PacketRecord) { if let finding = watch?.take(packet) { immediate.add(finding) } }

  /// Lets observers see which ports a host opens and closes.
  public mutating func observe(_ record: JournalRecord) { watch?.take(record) }

  /// What observers can say as of now; nil where there are none.
  public var proof: PolicyProof? {
    guard let watch else { return nil }
    let streams = reader.streams.credible
    let index = StreamIndex(streams)
    let callIDs = Dictionary(reader.dialogs.conversations.map { ($0.number, $0.callID) }) { first, _ in first }
    var media = watch.left
    for stream in streams { watch.count(stream, callID: stream.conversation.flatMap { callIDs[$0] }, incoming: index.to, into: &media) }
    return watch.proof(media)
  }

  /// A stream is let go: what it had counts on.
  mutating func leave(_ stream: RTPStream, callID: String?, incoming: (TransportAddress) -> [RTPStream]) {
    guard let watch else { return }
    var media = watch.left
    watch.count(stream, callID: callID, incoming: incoming, into: &media)
    self.watch?.left = media
  }

  /// Takes a line of a host's TLS key log.
  mutating func takeSecrets(_ line: KeyLogLine) { for observed in reader.takeSecrets(line) { judge(observed) } }

  /// The capture ends, by itself or by a mistake in the file.
  public mutating func finish(problem: String?) { for observed in reader.finish(problem: problem) { judge(observed) } }

  /// All that is wrong as of now: errors, warnings, notes, each in the order of the frames.
  ///
  /// - Parameter now: nanoseconds since 1970, where time went on without a packet; nil = the capture's end.
  public func findings(at now: Int64? = nil) -> [InspectionFinding] { CaptureJudgement(self, at: now).collector.sorted }

  /// What was found in messages since the last time, taken out.
  mutating func takeImmediate() -> [InspectionFinding] {
    let found = immediate.unsettled
    guard !found.isEmpty else { return [] }
    immediate = FindingCollector(filter: reader.dialogs.filter)
    return found
  }

  /// Judges what a packet showed.
  public mutating func judge(_ observed: Observed) {
    switch observed {
    case .message(let message, let conversation, let repetition):
      if let seen = watch?.take(message, conversation, repetition: repetition), !seen.isEmpty { immediate.add(seen) }
      guard repetition == 0 else { return }
      let found = CheckRegistry.examine(message, conversation)
      if !found.isEmpty { immediate.add(watch?.weighed(found, message) ?? found) }
      for remark in passing.check(message, conversation) {
        immediate.add(
          CheckRegistry.finding(
            remark, .branchReused, message.callID, isDeliberatelyBroken: message.isDeliberatelyBroken || conversation.isDeliberatelyBroken))
      }
    case .incomplete(let message, let mistakes, let origin, let isBroken):
      for mistake in mistakes { add(.messageUnreadable, "RFC 3261 §8.1.1", "\(message): \(mistake)", origin, isBroken) }
    case .unreadable(let error, let line, let origin, let isBroken):
      add(.messageUnreadable, "RFC 3261 §7", "a message that begins '\(line)' cannot be read: \(error)", origin, isBroken)
    case .unframed(let message, let origin):
      immediate.add(
        InspectionFinding(
          .contentLength, .error, "RFC 3261 §18.3", "\(message) has no Content-Length on a stream: its end is unknown",
          frame: origin.stamp.frame, callID: try? message.callID(), blamed: origin.source))
    case .cut(let line, let missing, let origin): add(cut: line, missing, origin)
    case .notSIP(let text, let stamp, _):
      let remark = "text on port 5060 that is not SIP: '\(text)'"
      immediate.add(InspectionFinding(.notSIP, .note, "RFC 3261 §7", remark, frame: stamp.frame))
    case .gap(let gap):
      let bytes = "\(Words.count(gap.value, "byte")) from \(gap.source) to \(gap.destination)"
      let remark = "\(bytes) are not in the capture: what they carried is not read"
      immediate.add(InspectionFinding(.tcpGap, .note, "RFC 9293 §3.4", remark, frame: gap.stamp.frame))
    case .tlsAlert(let alert): add(alert)
    case .tlsEstablished(let handshake): watch?.take(handshake)
    }
  }

  private mutating func add(cut line: String, _ missing: Int?, _ origin: Carried<Void>) {
    let what = missing.map { "\(Words.count($0, "byte")) of its body" } ?? "the end of its header"
    immediate.add(
      InspectionFinding(
        .messageCut, Rule.messageCut.severity, Rule.messageCut.section,
        "\(origin.source) ends its connection within a message that begins '\(line)': \(what) did not come", frame: origin.stamp.frame,
        blamed: origin.source))
  }

  private mutating func add(_ alert: Carried<String>) {
    // What most alerts say is what their sender thinks of the other end, which may be right: they prove neither wrong.
    let isOwn = ["internal_error", "user_canceled"].contains(TLSAlertName.bare(alert.value))
    // A capture may have the TLS of anything else too.
    let isSIP = [alert.source.port, alert.destination.port].contains { (5_060...5_090).contains($0) }
    immediate.add(
      InspectionFinding(
        .tlsAlert, isSIP ? .error : .note, "RFC 8446 §6.2",
        "\(alert.source) ends TLS with \(alert.destination) by the alert \(alert.value)", frame: alert.stamp.frame,
        blamed: isOwn ? alert.source : nil))
  }

  private mutating func add(_ breach: Rule, _ section: String, _ text: String, _ origin: Carried<Void>, _ isBroken: Bool) {
    immediate.add(
      InspectionFinding(
        breach, isBroken ? .note : .error, section, text + (isBroken ? " (deliberately broken)" : ""), frame: origin.stamp.frame,
        blamed: origin.source))
  }
}
