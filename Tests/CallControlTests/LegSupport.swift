import LabBench
import SDP
import SIPMessage
import SIPTransport
import SIPUserAgent
import SansIO
import SecureTransport

@testable import CallControl
@testable import Media

/// A leg without a user agent, ports or streams: the test is all of them.
struct LegBench {
  static let here = TransportAddress(IPAddress(v4: 0xC000_0214), port: 20_000)
  static let there = TransportAddress(IPAddress(v4: 0xC633_640A), port: 6_000)
  static let id = LegID(1)

  var leg: Leg
  var now = Instant.zero

  private static func settings(_ habits: CallHabits, answerDelay: Duration = .zero) -> LegSettings {
    var configuration = CallAgent.Configuration(
      userAgent: UserAgent.Configuration(listeners: []), capability: AudioCapability(codecs: [.pcmu, .pcma]), mediaAddress: here.address,
      aor: NameAddress(uri: SIPURI(host: "192.0.2.20", user: "pbx")), answerDelay: answerDelay)
    configuration.habits = habits
    configuration.musicAddress = IPAddress(v4: 0xC000_02FE)
    return LegSettings(
      configuration, keys: Entropy(seed: 1), identity: DTLSIdentity(entropy: Entropy(seed: 2), epoch: .virtual))
  }

  private static func facts(_ direction: LegFacts.Direction) -> LegFacts {
    LegFacts(direction: direction, callID: "1", from: "sip:a@x", to: "sip:b@x", transport: .udp, peer: there, name: nil)
  }

  /// A leg that will call.
  static func calling(isOfferDelayed: Bool = false, _ habits: CallHabits = CallHabits()) -> LegBench {
    let request = CallRequest(
      uri: SIPURI(host: "198.51.100.10", user: "b"), target: SIPTarget(transport: .udp, address: there), isOfferDelayed: isOfferDelayed)
    return LegBench(
      leg: Leg(id, calling: request, facts(.outgoing), settings(habits), port: here.port, sessionID: 7, rtpTimeout: .seconds(20)))
  }

  /// A leg that was called.
  static func called(
    offer: String? = Text.offer, _ form: AnswerForm = .ringing, delay: Duration = .zero, _ habits: CallHabits = CallHabits(),
    capability: AudioCapability? = nil
  ) throws -> LegBench {
    let terms = AdmissionTerms(capability: capability, answerWith: form, answerFields: [], rtpTimeout: nil)
    return LegBench(
      leg: try Leg(
        id, calledBy: Text.body("INVITE", offer), facts(.incoming), settings(habits, answerDelay: delay), port: here.port, sessionID: 7,
        terms: terms, at: .zero))
  }

  /// A leg that was called with an offer of DTLS: the call is up, and its media has no keys yet.
  static func securing(_ offer: String = Text.offerOfDTLS(), isAcknowledged: Bool = true) throws -> LegBench {
    let capability = AudioCapability(codecs: [.pcmu, .pcma], security: MediaSecurity(takesDTLS: true))
    let terms = AdmissionTerms(capability: capability, answerWith: .ringing, answerFields: [], rtpTimeout: nil)
    var bench = LegBench(
      leg: try Leg(
        id, calledBy: Text.body("INVITE", offer), facts(.incoming), settings(CallHabits()), port: here.port, sessionID: 7, terms: terms,
        at: .zero))
    bench.tell(.begin, .ports(.opened))
    if isAcknowledged { bench.tell(.signalling(.acknowledged(Text.body("ACK")))) }
    return bench
  }

  /// What the media says when it has the keys of the association that the leg waits for.
  var securedMedia: LegInput? {
    leg.state.session?.agreement.association.map {
      .media(.secured(SecuredMedia($0, suite: .aeadAES128GCM, version: .dtls12, cipher: "ECDHE-ECDSA-AES128-GCM-SHA256")))
    }
  }

  /// A leg whose call is up; we called.
  static func up(_ habits: CallHabits = CallHabits()) -> LegBench {
    var bench = calling(habits)
    bench.tell(.begin, .ports(.opened), .signalling(.invited(callID: "1")), .signalling(.answered(Text.body("200", Text.answer))))
    return bench
  }

  /// Tells the leg one thing after the other; what it asked for.
  @discardableResult
  mutating func tell(_ inputs: LegInput...) -> [LegOutput] { inputs.flatMap { leg.handle($0, at: now) } }

  /// The same, in words.
  mutating func words(_ inputs: LegInput...) -> [String] { inputs.flatMap { leg.handle($0, at: now).map(\.word) } }
}

/// Messages and their descriptions.
enum Text {
  static func description(_ direction: String = "sendrecv", version: Int = 1, media: String = "audio 6000 RTP/AVP 0") -> String {
    """
    v=0\r
    o=uas 1 \(version) IN IP4 198.51.100.10\r
    s=-\r
    c=IN IP4 198.51.100.10\r
    t=0 0\r
    m=\(media)\r
    a=\(direction)\r

    """
  }

  static let offer = description()

  /// With the fingerprint of a certificate whose digest is one byte over and over.
  static func offerOfDTLS(_ setup: String = "actpass", digest: String = "4A", version: Int = 1, port: Int = 6_000) -> String {
    let fingerprint = Array(repeating: digest, count: 32).joined(separator: ":")
    return description(
      version: version,
      media: "audio \(port) UDP/TLS/RTP/SAVP 0\r\na=setup:\(setup)\r\na=fingerprint:sha-256 \(fingerprint)")
  }

  static let answer = description()

  static func message(_ name: String, _ body: String?, tag: String = "b") -> SIPMessage {
    let status = Int(name)
    let request = SIPText.request(
      status == nil ? name : "INVITE", "sip:a@192.0.2.20", via: "UDP 198.51.100.10;branch=z9hG4bK1", from: "<sip:a@x>;tag=a",
      to: "<sip:b@x>;tag=\(tag)", callID: "1", sequence: 1, body: status == nil ? body ?? "" : "")
    guard let status else { return parsed(request) }
    return parsed(SIPText.response(status, to: parsed(request), tag: nil, body: body ?? ""))
  }

  private static func parsed(_ text: String) -> SIPMessage {
    do { return try SIPMessage.parse(Bytes(text)) } catch { preconditionFailure("\(error): \(text)") }
  }

  /// A re-INVITE.
  static func reinvite(_ body: String?) -> LegInput { .signalling(.reinvite(ServerID(9), self.body("INVITE", body))) }

  static func body(_ name: String, _ body: String? = nil, tag: String = "b") -> SessionBody {
    let flow = Flow(transport: .udp, local: .init(.anyV4, port: 5060), remote: .init(.anyV4, port: 5060), path: .port(PortID(1)))
    return SessionBody(InboundMessage(message(name, body, tag: tag), on: flow))
  }
}

extension MediaReport {
  static let empty = MediaReport(
    packetsSent: 0, packetsReceived: 0, octetsSent: 0, octetsReceived: 0, packetsLost: 0, jitter: .zero, tones: [], packetsLostAtPeer: nil)
}

extension LegOutput {
  /// What is asked for, without its details.
  var word: String {
    switch self {
    case .signal(let signal):
      switch signal {
      case .invite(_, let body): body.isEmpty ? "INVITE without offer" : "INVITE"
      case .ring: "180"
      case .progress: "183"
      case .accept: "200"
      case .refuse(let status, _): "\(status)"
      case .acknowledge(let body): body.isEmpty ? "ACK" : "ACK with answer"
      case .reinvite(let body): body.isEmpty ? "re-INVITE without offer" : "re-INVITE"
      case .answerReinvite: "200 re-INVITE"
      case .refuseReinvite(_, let status, _): "\(status) re-INVITE"
      case .cancel: "CANCEL"
      case .hangUp: "hang up"
      }
    case .media(let media):
      switch media {
      case .prepare: "prepare media"
      case .begin: "begin media"
      case .play: "play music"
      case .music: "stop music"
      case .call(let command):
        switch command {
        case .start: "start"
        case .secure: "secure"
        case .play: "speak"
        case .press: "press"
        case .send: "change codec"
        case .bridge: "bridge"
        case .offer(let offer): offer == nil ? "no offer" : "offer"
        case .agree: "agree"
        case .renegotiate: "renegotiate"
        case .confirm: "confirm"
        case .move: "move"
        case .expectForks: "expect forks"
        case .watchSilence: "watch silence"
        case .stop: "stop media"
        case .close: "close association"
        }
      }
    case .ports(let request): "\(request) ports"
    case .event(let event): event.journalName
    case .wake: "timer"
    case .over: "over"
    }
  }
}
