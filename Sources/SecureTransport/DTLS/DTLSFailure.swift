import COpenSSL

extension TLSFailure {
  /// Reads the failure of the call that just ended with `error` (`SSL_ERROR_…`) out of this thread's error queue.
  init(_ error: Int32, _ wire: DTLSWire, isHandshake: Bool) {
    let code = ERR_peek_error()
    if let alert = wire.alertReceived, ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET {
      self.init(.refusedByPeer, endedBy: .peer, alert: alert, text: OpenSSL.reason())
    } else if let fault = wire.fault {
      self.init(fault, endedBy: .local, alert: wire.alertSent, text: fault.text)
    } else if isHandshake, ERR_GET_LIB(code) == ERR_LIB_SSL, ERR_GET_REASON(code) == SSL_R_READ_TIMEOUT_EXPIRED {
      self.init(.noAnswer, endedBy: .peer, text: "the peer did not answer the DTLS handshake")
    } else {
      let reason = error == SSL_ERROR_SSL ? Reason(code, isHandshake: isHandshake) : .internalError
      self.init(reason, endedBy: .local, alert: wire.alertSent, text: OpenSSL.reason())
    }
  }
}

extension TLSFailure.Reason {
  /// What a person reads of the reasons that DTLS-SRTP adds.
  var text: String {
    switch self {
    case .fingerprintMismatch(let presented): "the peer's certificate has the fingerprint \(presented), which its description does not name"
    case .fingerprintMissing: "the peer's description has no fingerprint"
    case .fingerprintTooWeak(let hash): "the peer's fingerprint is made with \(hash), which is too weak to be believed"
    case .fingerprintUnknown(let hash): "the peer's fingerprint is made with \(hash), which is not known"
    case .noCommonProfile: "the two ends have no SRTP protection profile in common"
    default: "\(self)"
    }
  }
}
