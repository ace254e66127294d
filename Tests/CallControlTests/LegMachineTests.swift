import Media
import SDP
import SIPMessage
import SIPUserAgent
import SansIO
import SecureTransport
import Testing

@testable import CallControl

/// Every input in every state. What the table does not name changes nothing and asks for nothing.
@Suite struct LegMachineTests {
  enum Place: String, CaseIterable {
    case openingToCall, openingToAnswer, inviting, ringing, answering, awaitingACK, awaitingAnswer, securing, up, changing
    case leavingUnanswered, leavingUnacknowledged, hungUp, closing, over

    func bench() throws -> LegBench {
      var bench: LegBench
      switch self {
      case .openingToCall: return .calling()
      case .openingToAnswer: return try .called()
      case .inviting, .ringing, .leavingUnanswered:
        bench = .calling()
        bench.tell(.begin, .ports(.opened))
        if self == .ringing { bench.tell(.signalling(.provisional(status: 180, Text.body("180")))) }
        if self == .leavingUnanswered { bench.tell(.command(.hangUp(.hungUpHere))) }
      case .answering:
        bench = try .called(delay: .seconds(1))
        bench.tell(.begin, .ports(.opened))
      case .awaitingACK, .leavingUnacknowledged:
        bench = try .called()
        bench.tell(.begin, .ports(.opened))
        if self == .leavingUnacknowledged { bench.tell(.command(.hangUp(.hungUpHere))) }
      case .awaitingAnswer:
        bench = try .called(offer: nil)
        bench.tell(.begin, .ports(.opened))
      case .securing: return try .securing()
      case .up: return .up()
      case .changing:
        bench = .up()
        bench.tell(.command(.change(.refresh)))
      case .hungUp:
        bench = .up()
        bench.tell(.command(.hangUp(.hungUpHere)))
      case .closing, .over:
        bench = .up()
        bench.tell(.signalling(.ended(.hungUpByPeer)))
        if self == .over { bench.tell(.mediaClosed(nil)) }
      }
      return bench
    }

    init(_ state: Leg.State) {
      switch state {
      case .openingPorts(.call): self = .openingToCall
      case .openingPorts(.answer): self = .openingToAnswer
      case .inviting: self = .inviting
      case .ringing: self = .ringing
      case .answering: self = .answering
      case .awaitingAcknowledgement: self = .awaitingACK
      case .awaitingAnswer: self = .awaitingAnswer
      case .securing: self = .securing
      case .up(let session): self = session.changes.current == nil ? .up : .changing
      case .leaving(.unanswered): self = .leavingUnanswered
      case .leaving(.unacknowledged): self = .leavingUnacknowledged
      case .leaving(.hungUp), .leaving(.reporting): self = .hungUp
      case .closing: self = .closing
      case .over: self = .over
      }
    }
  }

  enum Word: String, CaseIterable {
    case begin, opened, moved, missing, musicReserved, musicFailed, answerDue
    case provisional, earlyAnswer, answered, refused, ack, ackWithAnswer, reinvite, emptyReinvite, reinviteRefused
    case reinviteACK, modified, due, failed, ended
    case silent, tone, secured, securingFailed, associationClosed, stopped, closed
    case speak, change, cancel, hangUp, bringDown

    private static var otherMedia: LegInput {
      guard let bench = try? LegBench.securing(), let input = bench.securedMedia else { preconditionFailure("it waits for keys") }
      return input
    }

    func input(_ bench: LegBench) -> LegInput {
      switch self {
      case .begin: .begin
      case .opened: .ports(.opened)
      case .moved: .ports(.moved(to: 20_002, sessionID: 8))
      case .missing: .ports(.missing(reason: "none"))
      case .musicReserved: .musicPorts(.reserved(LegBench.there))
      case .musicFailed: .musicPorts(.failed(.addressInUse))
      case .answerDue: .due
      case .provisional: .signalling(.provisional(status: 180, Text.body("180")))
      case .earlyAnswer: .signalling(.provisional(status: 183, Text.body("183", Text.answer)))
      case .answered: .signalling(.answered(Text.body("200", Text.answer)))
      case .refused: .signalling(.refused(status: 486, phrase: "Busy Here", explanation: nil))
      case .ack: .signalling(.acknowledged(Text.body("ACK")))
      case .ackWithAnswer: .signalling(.acknowledged(Text.body("ACK", Text.answer)))
      case .reinvite: Text.reinvite(Text.description("sendonly", version: 2))
      case .emptyReinvite: Text.reinvite(nil)
      case .reinviteRefused: .signalling(.reinviteRefused(Text.body("INVITE", "v=nonsense")))
      case .reinviteACK: .signalling(.reinviteAcknowledged(Text.body("ACK")))
      case .modified: .signalling(.reinviteAnswered(Text.body("200", Text.answer)))
      case .due: .signalling(.reinviteDue)
      case .failed: .signalling(.reinviteFailed(status: 488, reason: "no"))
      case .ended: .signalling(.ended(.hungUpByPeer))
      case .silent: .media(.silent)
      case .tone: .media(.toneHeard(440))
      // Where none is waited for, of an association that was given up.
      case .secured: bench.securedMedia ?? Self.otherMedia
      case .securingFailed: .media(.securingFailed(TLSFailure(.noAnswer, endedBy: .peer, text: "no answer")))
      case .associationClosed: .media(.associationClosed)
      case .stopped: .media(.stopped(.empty))
      case .closed: .mediaClosed(.empty)
      case .speak: .command(.speak(.tone(Tone(frequency: 440)), until: nil))
      case .change: .command(.change(.hold(.sendonly)))
      case .cancel: .command(.cancel)
      case .hangUp: .command(.hangUp(.hungUpHere))
      case .bringDown: .command(.bringDown(.durationReached, fields: []))
      }
    }
  }

  private struct Row {
    let next: Place
    let outputs: [String]
    init(_ next: Place, _ outputs: String...) { (self.next, self.outputs) = (next, outputs) }
  }

  /// What every state answers alike.
  private func common(_ place: Place, _ word: Word) -> Row? {
    switch word {
    case .provisional, .earlyAnswer: Row(place, "leg-ringing")
    case .refused: Row(place, "leg-refused")
    case .reinviteRefused: Row(place, "violation")
    case .tone: Row(place, "tone-heard")
    case .secured: Row(place, "media-secured")
    case .securingFailed: Row(place, "media-securing-failed")
    case .associationClosed: Row(place, "media-association-closed")
    case .speak: Row(place, "speak")
    case .cancel: Row(place, "CANCEL")
    case .failed: Row(place, "leg-modification-failed")
    case .change: place == .up || place == .changing || place == .securing ? nil : Row(place, "leg-modification-failed")
    case .musicReserved, .musicFailed: Row(place, "closeMusic ports")
    case .reinvite, .emptyReinvite: Row(place, "491 re-INVITE")
    case .ended: place == .closing || place == .over ? nil : Row(.closing, "close ports")
    // However it is asked, and whoever asks: a call that is not up is given up.
    case .hangUp, .bringDown, .silent: Row(place, "hang up")
    default: nil
    }
  }

  private func special(_ place: Place, _ word: Word) -> Row? {
    switch (place, word) {
    case (.openingToCall, .begin): Row(place, "media-ports", "open ports")
    case (.openingToAnswer, .begin): Row(place, "leg-started", "180", "media-ports", "open ports")
    case (.openingToCall, .opened): Row(.inviting, "INVITE")
    case (.openingToAnswer, .opened): Row(.awaitingACK, "200")
    case (.openingToCall, .moved), (.openingToAnswer, .moved): Row(place, "media-ports", "open ports")
    case (.openingToCall, .missing): Row(.closing, "media-ports-missing", "close ports")
    case (.openingToAnswer, .missing): Row(.leavingUnanswered, "media-ports-missing", "503")
    case (.openingToCall, .hangUp), (.openingToCall, .silent): Row(.closing, "close ports")

    case (.inviting, .provisional), (.ringing, .provisional): Row(.ringing, "leg-ringing")
    case (.inviting, .earlyAnswer), (.ringing, .earlyAnswer): Row(.ringing, "leg-ringing", "begin media", "leg-early-media")
    case (.inviting, .answered), (.ringing, .answered):
      Row(.up, "leg-established", "begin media", "expect forks", "watch silence")
    case (.answering, .answerDue): Row(.awaitingACK, "200")
    case (.awaitingACK, .ack), (.awaitingACK, .ackWithAnswer), (.awaitingAnswer, .ackWithAnswer):
      Row(.up, "leg-established", "begin media", "watch silence")
    case (.awaitingAnswer, .ack): Row(.leavingUnacknowledged, "violation", "hang up")
    case (.leavingUnacknowledged, .ack), (.leavingUnacknowledged, .ackWithAnswer):
      Row(.hungUp, "leg-established", "begin media", "watch silence")

    case (.securing, .secured): Row(.up, "media-secured")
    case (.securing, .securingFailed): Row(.hungUp, "media-securing-failed", "stop media", "stop music", "hang up")
    case (.securing, .answerDue): Row(.securing, "timer")
    // The offer is one of RTP/AVP: there is nothing left to wait for.
    case (.securing, .reinvite): Row(.up, "200 re-INVITE", "renegotiate", "leg-modified")
    case (.securing, .emptyReinvite): Row(.securing, "offer", "200 re-INVITE")
    case (.securing, .reinviteACK): Row(.securing, "confirm")
    case (.securing, .change): Row(.securing, "offer", "re-INVITE")
    case (.securing, .failed): Row(.securing, "leg-modification-failed", "no offer")
    case (.securing, .musicReserved), (.up, .musicReserved), (.changing, .musicReserved): Row(place, "media-ports")
    case (.securing, .musicFailed), (.up, .musicFailed), (.changing, .musicFailed): Row(place, "media-ports-missing", "closeMusic ports")
    case (.up, .reinvite), (.changing, .reinvite): Row(place, "200 re-INVITE", "renegotiate", "leg-modified")
    case (.up, .emptyReinvite), (.changing, .emptyReinvite): Row(place, "offer", "200 re-INVITE")
    case (.up, .reinviteACK), (.changing, .reinviteACK): Row(place, "confirm")
    case (.up, .change): Row(.changing, "offer", "re-INVITE")
    case (.changing, .due): Row(.changing, "offer", "re-INVITE")
    case (.changing, .modified): Row(.up, "ACK", "renegotiate", "leg-modified")
    case (.up, .failed), (.changing, .failed): Row(.up, "leg-modification-failed", "no offer")
    case (.securing, .hangUp), (.securing, .bringDown), (.securing, .silent), (.up, .hangUp), (.up, .bringDown), (.up, .silent),
      (.changing, .hangUp), (.changing, .bringDown), (.changing, .silent),
      (.hungUp, .hangUp), (.hungUp, .bringDown), (.hungUp, .silent):
      Row(.hungUp, "stop media", "stop music", "hang up")
    case (.inviting, .hangUp), (.inviting, .bringDown), (.inviting, .silent), (.ringing, .hangUp), (.ringing, .bringDown),
      (.ringing, .silent), (.answering, .hangUp), (.answering, .bringDown), (.answering, .silent), (.openingToAnswer, .hangUp),
      (.openingToAnswer, .bringDown), (.openingToAnswer, .silent), (.openingToCall, .bringDown):
      Row(.leavingUnanswered, "hang up")
    case (.awaitingACK, .hangUp), (.awaitingACK, .bringDown), (.awaitingACK, .silent), (.awaitingAnswer, .hangUp),
      (.awaitingAnswer, .bringDown), (.awaitingAnswer, .silent):
      Row(.leavingUnacknowledged, "hang up")
    case (.closing, .closed): Row(.over, "leg-ended", "over")
    default: nil
    }
  }

  @Test(arguments: Place.allCases)
  func `each input does in each state what the diagram says, or nothing`(place: Place) throws {
    for word in Word.allCases {
      var bench = try place.bench()
      #expect(Place(bench.leg.state) == place)
      let expected = special(place, word) ?? common(place, word)
      let outputs = bench.words(word.input(bench))
      #expect(outputs == expected?.outputs ?? [], "\(place) \(word)")
      #expect(Place(bench.leg.state) == expected?.next ?? place, "\(place) \(word)")
    }
  }
}
