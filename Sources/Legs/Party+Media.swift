import Media
import SDP
import SIPUserAgent
import SansIO

// The media of established legs (RFC 3550), and the clock that ends a silent one.
extension Party {
  func receiveMedia(_ arrival: Arrival, at now: Instant, _ out: inout Outbox) {
    switch arrival {
    case .sendFailed(let port, to: let remote, _, let label, let error):
      guard let leg = leg(of: port) else { return }
      let isMusic = leg.music?.owns(port) == true
      if isMusic { leg.music?.media?.receive(arrival, at: now) } else { leg.media?.receive(arrival, at: now) }
      mediaFailed(leg, .send, remote, label.subject, error)
    // An ICMP error is no sign of life, rather the opposite.
    case .unreachable(let port, let remote, let error):
      if let leg = leg(of: port) { mediaFailed(leg, .unreachable, remote, .none, error) }
    case .receiveFailed(let port, let error): if let leg = leg(of: port) { mediaFailed(leg, .receive, nil, .none, error) }
    case .datagram(let port, _, _):
      guard let id = legsByPort[port], let leg = legs[id], leg.media != nil else { return }
      if leg.music?.owns(port) == true { leg.music?.media?.receive(arrival, at: now) } else { leg.media?.receive(arrival, at: now) }
      afterMedia(leg, at: now, &out)
    case .bound(let port, _):
      guard let id = legsByPort[port], let leg = legs[id] else { return }
      if leg.music?.owns(port) == true { musicPortOpened(leg, port, at: now, &out) } else { portOpened(leg, at: now, &out) }
    case .bindFailed(let port, _, let failure):
      guard let id = legsByPort[port], let leg = legs[id] else { return }
      if leg.music?.owns(port) == true { musicFailed(leg, failure, at: now, &out) } else { portFailed(leg, failure, at: now, &out) }
    case .acceptFailed, .acceptsAgain, .accepted, .opened, .refused, .bytes, .ended, .closed, .drained, .resolved:
      break
    }
  }

  private func leg(of port: PortID) -> Leg? { legsByPort[port].flatMap { legs[$0] } }

  /// Media goes on; its leg says so once for each stream and cause.
  private func mediaFailed(
    _ leg: Leg, _ act: SocketFailure.Act, _ remote: TransportAddress?, _ subject: Label.Subject, _ error: SystemError
  ) {
    let local = TransportAddress(configuration.mediaAddress, port: leg.port)
    let failure = SocketFailure(act, local: local, remote: remote, subject: subject, error: error)
    guard leg.socketFailures.count < 16, leg.socketFailures.insert(failure).inserted else { return }
    tell(.socketFailed(leg.id, failure))
  }

  /// The call is up: media begins, or goes on when it was early.
  ///
  /// - Parameter tag: the To tag of the 2xx to our INVITE; nil where we were called.
  func establish(_ leg: Leg, _ agreement: AudioAgreement, tag: String? = nil, at now: Instant, _ out: inout Outbox) {
    leg.agreement = agreement
    leg.isUp = true
    leg.upSince = now
    tell(.established(leg.id, agreement))
    tellViolations(leg)
    startMedia(leg, agreement, tag: tag, at: now, &out)
    // Responses of other branches may come until then (RFC 3261 §13.2.2.4).
    let forksEnd = now.adding(nanoseconds: 64 * configuration.userAgent.timers.t1.wholeNanoseconds)
    if tag != nil { leg.media?.handle(.expectForks(until: forksEnd), at: now, &out) }
    leg.media?.handle(.watchSilence(leg.rtpTimeout), at: now, &out)
    afterMedia(leg, at: now, &out)
  }

  /// Starts the media of an agreement, early or not; a later one of another fork takes its place.
  ///
  /// - Parameter tag: the To tag of the callee whose answer it is; nil where we were called.
  func startMedia(_ leg: Leg, _ agreement: AudioAgreement, tag: String? = nil, at now: Instant, _ out: inout Outbox) {
    guard leg.media == nil else {
      leg.media?.handle(.agree(agreement, remoteTag: tag ?? ""), at: now, &out)
      return
    }
    var media = MediaStream(
      .init(
        cname: "\(configuration.descriptions.originUser)@\(configuration.mediaAddress)", rtpPort: leg.rtp, rtcpPort: leg.rtcp,
        dialog: leg.id.rawValue, sendsAudio: configuration.sendsMedia, epoch: epoch),
      agreement: agreement, remoteTag: tag ?? "", isForked: tag != nil, entropy: mediaEntropy.fork("\(leg.id)"))
    media.handle(.start, at: now, &out)
    leg.media = media
    if let speech = leg.speech { leg.media?.handle(.play(speech.tone, until: speech.until), at: now, &out) }
    afterMedia(leg, at: now, &out)
  }

  func speak(_ id: LegID, _ tone: Tone, for duration: Duration?, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id] else { return }
    let end = duration.map { now.advanced(by: $0) }
    leg.speech = (tone, end)
    leg.media?.handle(.play(tone, until: end), at: now, &out)
    if leg.media != nil { afterMedia(leg, at: now, &out) }
  }

  func wakeMedia(_ id: LegID, at now: Instant, _ out: inout Outbox) {
    guard let leg = legs[id], leg.media != nil else { return }
    leg.media?.wake(at: now, &out)
    leg.music?.media?.wake(at: now, &out)
    afterMedia(leg, at: now, &out)
  }

  /// Passes on what the media machine noticed and arms its next deadline.
  func afterMedia(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    guard let events = leg.media?.takeEvents() else { return }
    for event in events {
      switch event {
      case .firstPacketReceived: tell(.mediaStarted(leg.id))
      case .toneHeard(let frequency): tell(.toneHeard(leg.id, frequency: frequency))
      case .toneEnded: tell(.toneEnded(leg.id))
      case .violation(let violation): tell(.violation(leg.id, violation))
      case .remoteLatched(let source): tell(.mediaLatched(leg.id, source))
      case .silent: hangUp(leg.id, because: .mediaSilence, at: now, &out)
      case .stopped: break
      }
    }
    var deadline = leg.media?.nextDeadline
    if let music = leg.music?.media?.nextDeadline { deadline = min(deadline ?? music, music) }
    mediaDeadlines.set(leg.id, at: deadline)
  }
}
