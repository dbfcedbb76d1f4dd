// cuBLAS by plain loops.
#include <cublas_v2.h>

struct sac_shim_blas {
  cudaStream_t stream = nullptr;
};

cublasStatus_t cublasCreate(cublasHandle_t *handle) {
  if (sac_shim_call("cublasCreate") != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
  *handle = new sac_shim_blas;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t) {
  return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "CUBLAS_STATUS_SUCCESS" : "CUBLAS_STATUS_ALLOC_FAILED";
}

// column-major, as cuBLAS counts: C = alpha A B + beta C, either turned
cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t turn_a,
                                          cublasOperation_t turn_b, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType, int lda,
                                          long long stride_a, const void *b, cudaDataType, int ldb,
                                          long long stride_b, const void *beta, void *c,
                                          cudaDataType, int ldc, long long stride_c, int count,
                                          cublasComputeType_t, cublasGemmAlgo_t) {
  if (sac_shim_call("cublasGemmStridedBatchedEx") != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
  float one = *(const float *)alpha, other = *(const float *)beta;
  auto at = [](const void *matrix, long long stride, int i, int ld, bool turned, int row, int col) {
    const float *first = (const float *)matrix + (size_t)i * (size_t)stride;
    return turned ? first[(size_t)row * (size_t)ld + (size_t)col]
                  : first[(size_t)col * (size_t)ld + (size_t)row];
  };
  sac_shim_issue(handle->stream, [=] {
    for (int i = 0; i < count; i++)
      for (int col = 0; col < n; col++)
        for (int row = 0; row < m; row++) {
          double sum = 0;
          for (int d = 0; d < k; d++)
            sum += (double)at(a, stride_a, i, lda, turn_a == CUBLAS_OP_T, row, d) *
                   (double)at(b, stride_b, i, ldb, turn_b == CUBLAS_OP_T, d, col);
          float *to = (float *)c + (size_t)i * (size_t)stride_c + (size_t)col * (size_t)ldc + row;
          *to = (float)(one * sum) + (other == 0 ? 0 : other * *to);
        }
  });
  return CUBLAS_STATUS_SUCCESS;
}
