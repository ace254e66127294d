import Rules
import SRTP
import SansIO
import SecureTransport

/// An m= line of the peer's that can become the stream.
struct StreamChoice {
  /// Where its keys come from.
  enum Keying {
    case clear
    /// The line of the peer's whose key we receive with.
    case sdes(CryptoAttribute)
    case dtls(DTLSDescription)
  }

  var index: Int
  var media: MediaDescription
  /// How m= names its transport; an answer repeats it.
  var profile: MediaProfile
  var keying = Keying.clear
}

extension MediaSecurity {
  /// Which audio stream of an offer is taken: the first with usable keys, else the first in clear, as far as either is allowed.
  ///
  /// Where a stream has keys of SDES and a fingerprint, the keys are taken: nothing has to be waited for.
  ///
  /// - Parameter violations: gets what is wrong with crypto attributes that are passed over.
  func choose(from offer: SessionDescription, _ violations: inout [PeerViolation]) throws(OfferAnswerFailure) -> StreamChoice {
    var failure = OfferAnswerFailure.noAudio
    var inClear: StreamChoice?
    for (index, media) in offer.media.enumerated() where media.port != 0 && media.isAudio {
      guard let profile = media.mediaProfile else {
        if case .noAudio = failure { failure = .wrongProfile }
        continue
      }
      var choice = StreamChoice(index: index, media: media, profile: profile)
      let keys = takesSRTP && !profile.isDTLS && media.hasCrypto ? media.crypto : nil
      if let keys {
        note(keys, &violations)
        if let line = keys.chosen(from: suites) {
          choice.keying = .sdes(line)
          return choice
        }
      }
      var cause: OfferAnswerFailure?
      if takesDTLS, profile.isDTLS || media.hasFingerprint {
        do throws(OfferAnswerFailure) {
          choice.keying = .dtls(try association(offeredBy: media))
          return choice
        } catch { cause = error }
      }
      guard profile != .avp || !takesClear else {
        if inClear == nil { inClear = choice }
        continue
      }
      let new = keys.map(noKeys) ?? cause ?? withoutKeys(media, profile)
      // What is wrong with keys says more than that a stream beside it has none.
      if !Self.isSpecific(failure) || Self.isSpecific(new) { failure = new }
    }
    guard let inClear else { throw failure }
    return inClear
  }

  private static func isSpecific(_ failure: OfferAnswerFailure) -> Bool {
    switch failure {
    case .noKeys, .broken: true
    case .noAudio, .noCommonCodec, .misdescribedCodec, .wrongProfile, .unreadable, .limit, .other: false
    }
  }

  /// Why a stream that says nothing of keys which are taken cannot be agreed to.
  private func withoutKeys(_ media: MediaDescription, _ profile: MediaProfile) -> OfferAnswerFailure {
    if !takesSRTP, takesDTLS, media.hasCrypto, !profile.isDTLS {
      return .noKeys("keys of SDES are not taken here: the signalling is in clear, or keys have to come by DTLS")
    }
    return profile == .savp && takesSRTP && !media.hasFingerprint ? .broken(PeerViolation(.cryptoMissing)) : .wrongProfile
  }

  /// What an offered stream says of its association.
  private func association(offeredBy media: MediaDescription) throws(OfferAnswerFailure) -> DTLSDescription {
    let theirs = try Self.described(media, isAnswer: false)
    switch theirs.setup {
    case .active, .passive, .actpass: return theirs
    case .holdconn: throw .noKeys("the stream is offered with a=setup:holdconn, so no DTLS association can be opened (RFC 4145 §4)")
    case nil:
      let said = media.setupText?.prefix(24) ?? ""
      throw .broken(PeerViolation(.dtlsSetup, "'\(said)' is not active, passive, actpass or holdconn", section: "RFC 4145 §4"))
    }
  }

  /// What a stream says of DTLS, with a fingerprint that is good enough.
  private static func described(_ media: MediaDescription, isAnswer: Bool) throws(OfferAnswerFailure) -> DTLSDescription {
    guard let theirs = media.dtls(isAnswer: isAnswer) else {
      let lines = media.fingerprintLines
      guard let line = lines.first else { throw .broken(PeerViolation(.fingerprintMissing)) }
      let fault = CertificateFingerprint.fault(in: line.text) ?? "it cannot be read"
      throw .broken(
        PeerViolation(.fingerprintMissing, "'\(line.text.prefix(24))' is not a fingerprint: \(fault)", section: "RFC 8122 §5"))
    }
    guard theirs.fingerprints.contains(where: \.hash.isChecked) else {
      let names = theirs.fingerprints.map { "\($0.hash)" }.joined(separator: ", ")
      throw .noKeys("a fingerprint made with \(names) is not taken, only those of SHA-224 and better")
    }
    return theirs
  }

  /// Lines that break a rule, whether another one is taken or not.
  private func note(_ keys: CryptoOffer, _ violations: inout [PeerViolation]) {
    for case .failure(let refusal) in keys.lines where refusal.isViolation {
      violations.append(PeerViolation(.cryptoAttribute, "\(refusal)", section: refusal.section))
    }
  }

  /// Why none of the lines of an offer can be used.
  private func noKeys(_ keys: CryptoOffer) -> OfferAnswerFailure {
    let refusals = keys.refusals(from: suites).map { "\($0.refusal)" }.joined(separator: "; ")
    return .noKeys(refusals)
  }

  /// The line of an answer whose key we receive with, and ours that it chose; nil: the stream is in clear.
  ///
  /// - Parameters:
  ///   - ours: the lines of the offered stream.
  ///   - profile: of the offered stream.
  func accept(
    _ answer: MediaDescription, to ours: [CryptoAttribute], _ profile: MediaProfile
  ) throws(OfferAnswerFailure) -> (ours: CryptoAttribute, theirs: CryptoAttribute)? {
    guard !ours.isEmpty else { return nil }
    let lines = answer.cryptoLines
    // Whoever does not know RFC 8643 answers without keys.
    if lines.isEmpty, profile == .avp {
      guard takesClear else { throw .wrongProfile }
      return nil
    }
    do throws(CryptoAnswerFailure) { return try CryptoOffer(ours).accept(answer: lines) } catch {
      throw .broken(PeerViolation(.cryptoAnswer, "\(error)", section: error.section))
    }
  }

  /// What an answer says of the association, and which part of it is ours.
  func accept(
    _ answer: MediaDescription, to ours: AudioStream.DTLS, _ history: DTLSAssociations
  ) throws(OfferAnswerFailure) -> (DTLSDescription, DTLSConnection.Role) {
    let theirs = try Self.described(answer, isAnswer: true)
    guard let role = history.role(offering: ours.setup, answered: theirs.setup) else {
      throw .broken(PeerViolation(.dtlsSetup, "a=setup:\(answer.setupText?.prefix(24) ?? "") to a=setup:\(ours.setup.rawValue)"))
    }
    return (theirs, role)
  }
}
