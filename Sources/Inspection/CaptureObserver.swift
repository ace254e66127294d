import Capture
import SIPMessage
import SansIO

/// Reads a capture frame by frame: fragments, streams, SIP and media each go to their table, which keeps what the report needs and no more.
final class CaptureObserver {
  private(set) var facts: CaptureFacts
  private(set) var counts = MessageCounts()
  private(set) var dialogs = DialogTable()
  private(set) var streams = StreamTable()
  private(set) var findings = FindingCollector()
  private(set) var connections: ConnectionTable
  private let keyLog: KeyLog
  private var fragments = FragmentTable()
  private var isBrokenFrame = false
  private var interfaces = 0
  /// Interfaces whose packets are what TLS carried.
  private var decrypted: Set<Int> = []
  private var isDecryptedFrame = false
  private var pieces = 1

  init(path: String, keyLog: KeyLog) {
    facts = CaptureFacts(path: path)
    self.keyLog = keyLog
    connections = ConnectionTable(keyLog: keyLog)
  }

  // MARK: - Frames

  func takeSecrets(_ secrets: CaptureSecrets) { if secrets.isTLSKeyLog { keyLog.add(secrets.data) } }

  func take(_ interface: CaptureInterface) {
    if interface.isDecrypted { decrypted.insert(interfaces) }
    interfaces += 1
  }

  func take(_ packet: CapturedPacket) {
    facts.frames += 1
    isDecryptedFrame = decrypted.contains(packet.interface)
    let stamp = FrameStamp(frame: facts.frames, time: packet.timestamp)
    if facts.first == nil { facts.first = stamp }
    if packet.timestamp >= facts.last?.time ?? .min { facts.last = stamp }
    if !facts.linkTypes.contains(packet.linkType) { facts.linkTypes.append(packet.linkType) }
    isBrokenFrame = !packet.comments.isEmpty && packet.comments.contains { $0.contains("deliberately broken") }
    if isBrokenFrame { facts.deliberatelyBroken += 1 }
    pieces = 1
    content(PacketDecoder.decode(packet), packet.bytes, stamp)
  }

  private func content(_ content: FrameContent, _ bytes: Bytes, _ stamp: FrameStamp) {
    switch content {
    case .transport(let found): transport(found, bytes[found.payload], stamp)
    case .fragment(let fragment):
      guard let whole = fragments.take(fragment, bytes[fragment.payload]) else { return }
      facts.fragmentsJoined += 1
      pieces = whole.count
      let joined = PacketDecoder.decode(
        whole: whole.payload, protocolNumber: fragment.protocolNumber, source: fragment.source, destination: fragment.destination)
      self.content(joined, whole.payload, stamp)
    case .otherProtocol(let number, _, _): facts.skip(Self.protocolName(number))
    case .notIP(let type): facts.skip(type == 0x0806 ? "ARP" : "not IP")
    case .malformed(.unknownLinkType(let type)): facts.skip("\(type), which is not read here")
    case .malformed(.cutInHeader): facts.skip("cut within a header")
    case .malformed(.version), .malformed(.length): facts.skip("damaged IP, UDP or TCP header")
    }
  }

  private static func protocolName(_ number: UInt8) -> String {
    switch number {
    case 1: "ICMP"
    case 2: "IGMP"
    case 58: "ICMPv6"
    case 132: "SCTP"
    default: "IP protocol \(number)"
    }
  }

  private func transport(_ found: DecodedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    if found.isCut { facts.cutFrames += 1 }
    switch found.carrier {
    case .udp: datagram(found, payload, stamp)
    case .tcp(let segment):
      connections.take(segment, from: found.source, to: found.destination, payload, whole: found.wholePayload, stamp) { take($0) }
    }
  }

  /// Milliseconds since the first frame.
  private func milliseconds(_ stamp: FrameStamp) -> Double {
    let nanoseconds = stamp.time &- (facts.first?.time ?? stamp.time)
    return Double(nanoseconds / 1_000_000_000) * 1_000 + Double(nanoseconds % 1_000_000_000) / 1_000_000
  }

  // MARK: - UDP

  private func datagram(_ found: DecodedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    guard let first = payload.first else { return }
    if first >= 0x80 || first < 32, first != 13, first != 10 {
      if streams.take(payload, (found.source, found.destination), stamp, time: milliseconds(stamp)) { return }
      facts.udpOther += 1
      return
    }
    guard SIPRecognition.isSIP(payload) else { return other(found, payload, stamp) }
    let origin = Carried(value: (), source: found.source, destination: found.destination, transport: ObservedTransport.udp, stamp: stamp)
    do { sip(try SIPMessage.parse(payload), origin) } catch {
      if found.isCut {
        facts.cutMessages += 1
        facts.skip("SIP messages cut by the capture")
      } else {
        unreadable(error, payload.prefix { $0 != 13 && $0 != 10 }.prefix(80).text, origin)
      }
    }
  }

  private func other(_ found: DecodedPacket, _ payload: Bytes, _ stamp: FrameStamp) {
    facts.udpOther += 1
    let isOnSIPPort = found.source.port == 5060 || found.destination.port == 5060
    guard isOnSIPPort, payload.count > 8, payload.contains(where: { $0 > 32 }), SIPRecognition.couldBeText(payload) else { return }
    findings.add(
      InspectionFinding(
        "not-sip", .note, "RFC 3261 §7",
        "text on port 5060 that is not SIP: '\(payload.prefix { $0 >= 32 }.prefix(60).text)'",
        frame: stamp.frame))
  }

  // MARK: - Streams

  private func take(_ event: StreamEvent) {
    switch event {
    case .sip(let carried):
      var origin = carried.map { _ in () }
      if isDecryptedFrame { origin.transport = .tls }
      switch carried.value {
      case .message(let message): sip(message, origin)
      case .unreadable(let error, let line): unreadable(error, line, origin)
      case .unframed(let message):
        findings.add(
          InspectionFinding(
            "content-length", .error, "RFC 3261 §18.3", "\(message) has no Content-Length on a stream: its end is unknown",
            frame: carried.stamp.frame, callID: try? message.callID()))
        sip(message, origin)
      }
    case .gap(let carried):
      findings.add(
        InspectionFinding(
          "tcp-gap", .note, "RFC 9293 §3.4",
          "\(Words.count(Int(carried.value), "byte")) from \(carried.source) to \(carried.destination) are not in the capture: what they "
            + "carried is not read",
          frame: carried.stamp.frame))
    case .tlsAlert(let carried):
      // A capture may have the TLS of anything else too.
      let isSIP = [carried.source.port, carried.destination.port].contains { (5_060...5_090).contains($0) }
      findings.add(
        InspectionFinding(
          "tls-alert", isSIP ? .error : .note, "RFC 8446 §6.2",
          "\(carried.source) ends TLS with \(carried.destination) by the alert \(carried.value)",
          frame: carried.stamp.frame))
    }
  }

  // MARK: - SIP

  private func sip(_ message: SIPMessage, _ origin: Carried<Void>) {
    let (read, mistakes) = ObservedMessage.read(message, origin, isDeliberatelyBroken: isBrokenFrame, fragments: pieces)
    guard let read else {
      counts.unreadable += 1
      for mistake in mistakes { add("mandatory-headers", "RFC 3261 §8.1.1", "\(message): \(mistake)", origin) }
      return
    }
    let (conversation, repetition) = dialogs.take(read)
    counts.take(read, repetition: repetition)
    if let description = read.description { streams.add(description, conversation: conversation.number) }
    if repetition == 0 { findings.add(CheckRegistry.examine(read)) }
  }

  private func unreadable(_ error: SIPParseError, _ line: String, _ origin: Carried<Void>) {
    counts.unreadable += 1
    add("unreadable", "RFC 3261 §7", "a message that begins '\(line)' cannot be read: \(error)", origin)
  }

  private func add(_ check: String, _ rule: String, _ text: String, _ origin: Carried<Void>) {
    findings.add(
      InspectionFinding(
        check, isBrokenFrame ? .note : .error, rule, text + (isBrokenFrame ? " (deliberately broken)" : ""), frame: origin.stamp.frame))
  }

  // MARK: - End

  /// The capture ends, by itself or by a mistake in the file.
  func finish(problem: String?) {
    facts.problem = problem
    fragments.finish()
    facts.fragmentsIncomplete = fragments.incomplete
    let end = facts.last ?? FrameStamp(frame: 0, time: 0)
    connections.finish(end) { take($0) }
    dialogs.finish()
    facts.udpOther += streams.unproven
  }
}

extension Carried {
  func map<Other>(_ body: (Value) -> Other) -> Carried<Other> {
    Carried<Other>(value: body(value), source: source, destination: destination, transport: transport, stamp: stamp)
  }
}
