import Rules
import SRTP
import SansIO

/// An m= line of the peer's that can become the stream.
struct StreamChoice {
  var index: Int
  var media: MediaDescription
  /// How m= names its transport; an answer repeats it.
  var profile: MediaProfile
  /// The line of the peer's whose key we receive with; nil: in clear.
  var crypto: CryptoAttribute?
}

extension MediaSecurity {
  /// Which audio stream of an offer is taken: the first with usable keys, else the first in clear, as far as either is allowed.
  ///
  /// - Parameter violations: gets what is wrong with crypto attributes that are passed over.
  func choose(from offer: SessionDescription, _ violations: inout [PeerViolation]) throws(OfferAnswerFailure) -> StreamChoice {
    var failure = OfferAnswerFailure.noAudio
    var inClear: StreamChoice?
    for (index, media) in offer.media.enumerated() where media.port != 0 && media.isAudio {
      guard let profile = media.mediaProfile else {
        failure = .wrongProfile
        continue
      }
      let keys = takesSRTP && media.hasCrypto ? media.crypto : nil
      if let keys {
        note(keys, &violations)
        if let line = keys.chosen(from: suites) { return StreamChoice(index: index, media: media, profile: profile, crypto: line) }
      }
      guard profile == .savp || !takesClear else {
        if inClear == nil { inClear = StreamChoice(index: index, media: media, profile: profile) }
        continue
      }
      if let keys {
        failure = noKeys(keys)
      } else {
        failure = profile == .savp && takesSRTP ? .broken(PeerViolation(.cryptoMissing)) : .wrongProfile
      }
    }
    guard let inClear else { throw failure }
    return inClear
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
}
