import Capture
import Kallglot
import CallControl
import SIPUserAgent
import SansIO

/// The captures of a live host that carries many calls: one pcapng a call (``CallTable``), one a TLS connection (``ConnectionCaptures``),
/// and ``OtherCapture`` for what belongs to no call. Each byte of SIP and media is in exactly one file; ciphertext besides.
///
/// SIP is sorted by Call-ID, over whichever socket a message came; RTP and RTCP by the media port. What a stream carries is cut where its
/// messages end. A file is made for a leg that has become a call, never for an INVITE alone; it is on the disk at each SIP message and
/// at each ``tick(at:)``.
public final class CallCaptures: JournalSink {
  /// How often ``tick(at:)`` wants to be called, in nanoseconds: what waits for a second tick is on the disk within a second.
  public static let interval: Int64 = 500_000_000

  private let folder: CaptureFolder
  private let others: OtherCapture
  private let connections: ConnectionCaptures
  private let calls: CallTable
  private var undecided = UndecidedPassages()
  /// Whose packet came last: the secrets of DTLS that the host finds in it are that call's.
  private var current: CallTable.Call?

  /// - Parameters:
  ///   - folder: exists already. Numbers go on behind those of the captures that are in it.
  ///   - host: the name of the files' interface.
  ///   - rotation: bytes of a file that grows without end before the next one is begun.
  ///   - keepsSecrets: false = no file has secrets, or what TLS and SRTP carried.
  public init(folder path: String, host: String, epoch: Epoch, rotation: Int = 16 << 20, keepsSecrets: Bool = true) {
    folder = CaptureFolder(path, host: host, epoch: epoch, rotation: rotation, keepsSecrets: keepsSecrets)
    others = OtherCapture(folder)
    connections = ConnectionCaptures(folder, others)
    calls = CallTable(folder)
  }

  /// Takes what the log should know, on the loop.
  public var onEvent: ((CaptureEvent) -> Void)? {
    get { folder.onEvent }
    set { folder.onEvent = newValue }
  }

  /// The first thing that went wrong with a file; the calls go on without it.
  public var failure: CaptureFailure? { folder.failure }
  /// Packets that are in no file since none could be written.
  public var packetsNotWritten: Int { folder.unwritten + calls.unwritten + connections.unwritten + others.unwritten }
  /// The path of the file that holds the leg's call: from its first packet until the file is closed, 32 s after the leg's end.
  public func capture(of leg: LegID) -> String? { calls.path(of: leg) }

  /// Where a packet of the host is: `frame 3 of out/call-00001-….pcapng`, or the file alone where its frame is not known any more.
  /// - Parameters:
  ///   - packet: ``PacketRecord/frame``.
  ///   - callID: of the call that it belongs to.
  public func place(of packet: UInt32, _ callID: String?) -> String? {
    guard let callID, let file = calls.call(callID)?.file else { return others.place(of: packet) }
    return file.frame(of: packet).map { "frame \($0) of \(file.path)" } ?? file.path
  }

  public func hostAdded(_ host: HostID, name: String) {}

  /// For a timer of the owner's, every ``interval``: writes what was gathered and closes what is over, whether packets come or not.
  public func tick(at now: Instant) {
    for cut in connections.tick(at: now) { sort(cut) }
    undecided.settle(since: now.adding(nanoseconds: -Self.interval))
    release()
    calls.tick(at: now)
    others.flush()
  }

  public func finish(at now: Instant) {
    for cut in connections.finish(at: now) { sort(cut) }
    undecided.settleAll()
    release()
    calls.finish(at: now)
    others.finish(at: now)
  }

  // MARK: - Packets

  public func packet(_ packet: PacketRecord) {
    if case .tcp(let segment) = packet.carrier {
      if packet.direction == .received { current = nil }
      for cut in connections.take(packet, segment) { sort(cut) }
    } else if let call = calls.call(on: packet.direction == .sent ? packet.source : packet.destination) {
      if packet.direction == .received { current = call }
      calls.append(Passage(packet: packet), to: call)
    } else {
      if packet.direction == .received { current = nil }
      sort(Cut(passage: Passage(packet: packet), glance: MessageGlance.partial(packet.payload)))
    }
  }

  private func sort(_ cut: Cut) {
    guard let glance = cut.glance, let callID = glance.callID else { return keepApart(cut.passage) }
    if let call = calls.call(callID) {
      calls.append(cut.passage, to: call)
      // What a message in clear brings about may be a handshake whose first datagrams waited for it.
      if cut.passage.packet.direction == .received, !cut.passage.isDecrypted { current = call }
      return call.file.flush()
    }
    if glance.kind == .invite { undecided.expect(callID, at: cut.passage.packet.at) }
    guard undecided.awaits(callID) else { return keepApart(cut.passage) }
    undecided.hold(cut.passage, of: callID)
    // After a challenge the next INVITE may be the same call; after another refusal it is another one.
    if case .inviteFinal(let status) = glance.kind, status >= 300, status != 401, status != 407 { undecided.settle(callID) }
    release()
  }

  /// It belongs to no call.
  private func keepApart(_ passage: Passage) {
    guard undecided.isEmpty else { return undecided.hold(passage, of: nil) }
    others.append(passage)
    others.flush()
  }

  private func release() {
    let released = undecided.release()
    guard !released.isEmpty else { return }
    for passage in released { others.append(passage) }
    others.flush()
  }

  // MARK: - Records

  public func record(_ record: JournalRecord) {
    switch record.body {
    case .secret(let line): if let current { current.file.append(line) } else { connections.take(line) }
    case .plaintext(let plaintext): for cut in connections.take(plaintext, at: record.at, of: record.host) { sort(cut) }
    case .bound(let address, .datagram): take(calls.opened(address))
    case .unbound(let address, .datagram): calls.closed(address)
    case .event(let event):
      if case EndpointEvent.party(let event) = event {
        take(event, at: record.at)
      } else if let event = event as? CallAgentEvent {
        take(event, at: record.at)
      }
    case .bound, .unbound, .step, .bindFailed, .finding, .note: break
    }
  }

  private func take(_ event: CallAgentEvent, at now: Instant) {
    switch event {
    case .started(let leg, let facts): take(calls.began(leg, facts))
    case .mediaPorts(let leg, let rtp): take(calls.asksFor(rtp, leg))
    case .ended(let leg, _, _): calls.ended(leg, at: now)
    case .portsMissing(let leg?, _): calls.gaveUp(leg)
    case .socketFailed(let leg, let failure):
      let isNoted = leg.map { calls.note("\(failure)", of: $0, at: now) } ?? false
      if !isNoted { others.append(note: "\(failure)", at: now) }
    default: break
    }
  }

  /// A call has a file from now on: what waited for it goes there.
  private func take(_ callID: String?) {
    guard let callID, let call = calls.call(callID) else { return }
    for passage in undecided.claim(callID) { calls.append(passage, to: call) }
    call.file.flush()
    release()
  }
}
