import COpenSSL

extension TLSFailure {
  /// Reads the failure of the call that just ended with `error` (`SSL_ERROR_…`) out of this thread's error queue.
  init(_ error: Int32, _ wire: TLSWire, isHandshake: Bool) {
    let code = ERR_peek_error()
    let text = code == 0 ? "the peer closed the connection" : OpenSSL.reason()
    if let alert = wire.alertReceived, error == SSL_ERROR_ZERO_RETURN || ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET {
      self.init(.refusedByPeer, endedBy: .peer, alert: alert, text: text)
    } else if let fault = wire.certificateFault {
      let reason = Reason(fault, expected: wire.expected)
      self.init(reason, endedBy: .local, alert: wire.alertSent, text: reason.sentence(fault.code))
    } else {
      let reason = error == SSL_ERROR_SSL ? Reason(code, isHandshake: isHandshake) : .internalError
      let isAbsent = reason == .certificateMissing
      self.init(
        reason, endedBy: .local, alert: wire.alertSent,
        text: isAbsent ? "it showed no certificate, and one is required (\(text))" : text)
    }
  }
}

extension TLSFailure.Reason {
  /// The kind of an error that OpenSSL found in what the peer sent.
  init(_ code: UInt, isHandshake: Bool) {
    guard ERR_GET_LIB(code) == ERR_LIB_SSL else {
      self = .protocolViolation
      return
    }
    switch ERR_GET_REASON(code) {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
      self = isHandshake ? .notTLS : .protocolViolation
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE: self = .noCommonVersion
    case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
      SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SHARED_GROUPS:
      self = .noCommonCipher
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .certificateMissing
    case let other:
      self = other == Int32(ERR_R_INTERNAL_ERROR) || other == Int32(ERR_R_MALLOC_FAILURE) ? .internalError : .protocolViolation
    }
  }

  fileprivate init(_ fault: TLSWire.CertificateFault, expected: String) {
    switch fault.code {
    case X509_V_ERR_HOSTNAME_MISMATCH: self = .nameMismatch(expected: expected, presented: fault.presented)
    case X509_V_ERR_CERT_HAS_EXPIRED: self = .certificateExpired
    case X509_V_ERR_CERT_NOT_YET_VALID: self = .certificateNotYetValid
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_CERT_UNTRUSTED:
      self = .unknownAuthority
    default: self = .certificateInvalid
    }
  }

  /// What is wrong with the peer's certificate, with OpenSSL's own words where it was asked.
  fileprivate func sentence(_ code: Int32) -> String {
    let words = String(cString: X509_verify_cert_error_string(Int(code)))
    switch self {
    case .nameMismatch(let expected, let presented):
      let names = presented.isEmpty ? "names no SIP domain" : "is for \(presented.joined(separator: ", "))"
      return "its certificate \(names)\(expected.isEmpty ? "" : ", not for \(expected)") (RFC 5922 §7)"
    case .certificateExpired: return "its certificate is past its date (\(words))"
    case .certificateNotYetValid: return "its certificate is not valid yet (\(words))"
    case .unknownAuthority: return "no trusted authority vouches for its certificate (\(words))"
    default: return "its certificate cannot be used (\(words))"
    }
  }
}
